// The event as a file, and on paper.

import { useState } from "preact/hooks";
import { Icon } from "../../parts/icon";
import { may } from "../../session";
import { t } from "../../words";

const words = {
  report: { en: "Report (ZIP)", zh: "报告 (ZIP)" },
  json: { en: "JSON", zh: "JSON" },
  csv: { en: "Requests (CSV)", zh: "请求 (CSV)" },
  print: { en: "Print", zh: "打印" },
  named: { en: "with customers' and devices' numbers", zh: "含用户与设备编号" },
};

export function Exports({ id, feeder }: { id: string; feeder: string }) {
  const [isNamed, setNamed] = useState(false);
  const address = (form: string): string =>
    `/api/v1/events/${encodeURIComponent(id)}/export?format=${form}${isNamed ? "&named=true" : ""}`;
  return (
    <div class="row event-exports">
      {may("customers", feeder) && (
        <label class="row small">
          <input type="checkbox" checked={isNamed} onChange={(event) => setNamed(event.currentTarget.checked)} />
          {t(words.named)}
        </label>
      )}
      <Download href={address("zip")}>{t(words.report)}</Download>
      <Download href={address("csv")}>{t(words.csv)}</Download>
      <Download href={address("json")}>{t(words.json)}</Download>
      <button type="button" onClick={() => window.print()}>
        <Icon name="print" />
        {t(words.print)}
      </button>
    </div>
  );
}

function Download({ href, children }: { href: string; children: string }) {
  return (
    <a class="download" href={href} download>
      <Icon name="download" />
      {children}
    </a>
  );
}
