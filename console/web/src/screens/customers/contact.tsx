// Who a customer is: shown to who may know it and says why; each look is noted for the customer to see.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { problemText } from "../../api/problem";
import type { components } from "../../api/schema";
import { when } from "../../format";
import { Field } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Table, type Column } from "../../parts/table";
import { may } from "../../session";
import { t, type Text } from "../../words";
import { languageName, words } from "./customer_words";
import { Facts } from "./facts";

const own = {
  title: { en: "Who they are", zh: "个人信息" },
  hidden: {
    en: "Name, address and phone are not shown unless you say why you need them. Your look is noted, and the customer can ask to see it.",
    zh: "姓名、地址、电话默认不显示，须填写查看事由。查看会留下记录，用户本人可申请查询。",
  },
  notYours: { en: "Your role does not show who customers are.", zh: "您的角色无权查看用户个人信息。" },
  why: { en: "Why you need it", zh: "查看事由" },
  whyHint: { en: "No names: it is kept.", zh: "请勿填写姓名，该内容将被保存。" },
  tooShort: { en: "Please say why, in three letters or more.", zh: "请填写查看事由（至少三个字）。" },
  reason: { en: "Why", zh: "事由" },
  show: { en: "Show", zh: "查看" },
  hide: { en: "Hide again", zh: "隐藏" },
  name: { en: "Name", zh: "姓名" },
  phone: { en: "Phone", zh: "电话" },
  email: { en: "E-mail", zh: "邮箱" },
  postal: { en: "Address", zh: "地址" },
  language: { en: "Language", zh: "语言" },
  channels: { en: "Likes to be told by", zh: "首选通知方式" },
  accesses: { en: "Who looked", zh: "访问记录" },
  who: { en: "Who", zh: "人员" },
  did: { en: "What", zh: "操作" },
};
const ACTIONS: Readonly<Record<string, Text>> = {
  imported: { en: "imported", zh: "导入" },
  listed: { en: "listed", zh: "列出" },
  exported: { en: "exported", zh: "导出" },
  used: { en: "used to tell them something", zh: "用于通知" },
  withdrawn: { en: "consent withdrawn", zh: "撤回同意" },
  looked: { en: "looked", zh: "查看" },
  found: { en: "found by a search", zh: "查询命中" },
};
type Contact = components["schemas"]["ContactPage"];
type Access = components["schemas"]["AccessRow"];

const ACCESSES: readonly Column<Access>[] = [
  { key: "at", name: words.at, cell: (row) => when(row.at) },
  { key: "who", name: own.who, cell: (row) => row.who },
  { key: "did", name: own.did, cell: (row) => (ACTIONS[row.action] ? t(ACTIONS[row.action]!) : row.action) },
  { key: "why", name: own.reason, cell: (row) => row.why || "–" },
];
const SHORTEST_REASON = 3;

/** Forgets what it showed when one leaves the page or hides it. */
export function ContactPanel({ customer }: { customer: string }) {
  const [shown, setShown] = useState<Contact | null>(null);
  return (
    <Panel
      title={own.title}
      class={shown ? "wide" : ""}
      tools={
        shown && (
          <button type="button" onClick={() => setShown(null)}>
            {t(own.hide)}
          </button>
        )
      }
    >
      {!may("personal_data") ? (
        <p class="empty">{t(own.notYours)}</p>
      ) : shown ? (
        <Shown contact={shown} />
      ) : (
        <Ask customer={customer} onShown={setShown} />
      )}
    </Panel>
  );
}

function Ask({ customer, onShown }: { customer: string; onShown: (contact: Contact) => void }) {
  const [why, setWhy] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const ask = (event: Event): void => {
    event.preventDefault();
    if (why.trim().length < SHORTEST_REASON) {
      setFault(t(own.tooShort));
      return;
    }
    const params = { path: { customer }, query: { why: why.trim() } };
    setBusy(true);
    body(client.GET("/api/v1/customers/{customer}/contact", { params })).then(onShown, (error: unknown) => {
      setFault(problemText(error));
      setBusy(false);
    });
  };
  return (
    <form class="form" onSubmit={ask} noValidate>
      <p class="muted">{t(own.hidden)}</p>
      <Field label={own.why} hint={own.whyHint} fault={fault}>
        {(tie) => <input {...tie} value={why} maxLength={200} required onInput={(event) => setWhy(event.currentTarget.value)} />}
      </Field>
      <div class="row end">
        <button type="submit" class="primary" disabled={isBusy}>
          {t(own.show)}
        </button>
      </div>
    </form>
  );
}

function Shown({ contact }: { contact: Contact }) {
  return (
    <>
      <Facts
        facts={[
          [own.name, contact.name],
          [own.postal, contact.postal ?? "–"],
          [own.phone, contact.phone ?? "–"],
          [own.email, contact.email ?? "–"],
          [own.language, languageName(contact.language)],
          [own.channels, contact.channels.join(", ") || "–"],
        ]}
      />
      <h3>{t(own.accesses)}</h3>
      <Table caption={own.accesses} columns={ACCESSES} rows={contact.accesses} id={(row) => `${row.at}${row.who}${row.action}`} />
    </>
  );
}
