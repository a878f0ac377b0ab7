import { useMemo, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { Field } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { t } from "../../words";
import { words } from "./words";

type Value = null | string | number | boolean | readonly Value[] | { readonly [name: string]: Value };
interface Setting {
  readonly path: string;
  readonly value: string;
}

export function Config() {
  const config = useResource((signal) => body(client.GET("/api/v1/system/config", { signal })), []);
  return (
    <Panel title={words.config}>
      <p class="muted">{t(words.readOnly)}</p>
      <Known of={config}>{(known) => <Tree settings={known as unknown as Value} />}</Known>
    </Panel>
  );
}

function Tree({ settings }: { settings: Value }) {
  const [wanted, setWanted] = useState("");
  const all = useMemo(() => flattened("", settings), [settings]);
  const word = wanted.trim().toLowerCase();
  const found = all.filter((one) => !word || one.path.toLowerCase().includes(word) || one.value.toLowerCase().includes(word));
  return (
    <>
      <Field label={words.search}>
        {(tie) => <input {...tie} type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />}
      </Field>
      {found.length === 0 && <Empty>{t(words.noSetting)}</Empty>}
      {grouped(found).map(([table, settings]) => (
        <section key={table} class="settings">
          <h3>{table ? `[${table}]` : "SITE.toml"}</h3>
          <dl>
            {settings.map((one) => (
              <div key={one.path}>
                <dt>{one.path.slice(table.length + (table ? 1 : 0))}</dt>
                <dd>{one.value}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </>
  );
}

/** Every value that is no table, by its path as in TOML. */
function flattened(path: string, value: Value): Setting[] {
  if (Array.isArray(value) && value.some((inner) => typeof inner === "object" && inner !== null)) {
    return value.flatMap((inner, place) => flattened(`${path}[${place}]`, inner as Value));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, inner]) => flattened(path ? `${path}.${name}` : name, inner as Value));
  }
  return [{ path, value: value === null ? t(words.notSet) : Array.isArray(value) ? value.join(", ") || "–" : String(value) }];
}

function grouped(settings: readonly Setting[]): [string, Setting[]][] {
  const groups = new Map<string, Setting[]>();
  for (const one of settings) {
    const cut = one.path.lastIndexOf(".");
    const table = cut < 0 ? "" : one.path.slice(0, cut);
    groups.set(table, [...(groups.get(table) ?? []), one]);
  }
  return [...groups];
}
