// One customer: where they are supplied, their devices, whether they may be asked, what was asked and earned, and
// what was said.

import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import { dateText, kw, plain, when } from "../../format";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { language, t, type Text } from "../../words";
import { deviceText } from "../feeder/feeder_words";
import { ContactPanel } from "./contact";
import { languageName, tagText, words, type CustomerPage as Page, type SupplyRow } from "./customer_words";
import { DeviceTable } from "./device_table";
import { Facts } from "./facts";
import { RequestsTable } from "./requests_table";

const own = {
  supply: (point: string): Text => ({ en: `Service point ${point}`, zh: `接入点 ${point}` }),
  takesNow: { en: "Takes now", zh: "当前功率" },
  tags: { en: "Known of them", zh: "用户标签" },
  language: { en: "Language of notices", zh: "通知语言" },
  notices: { en: "Takes notices", zh: "接收通知" },
  yes: { en: "yes", zh: "是" },
  no: { en: "no", zh: "否" },
  programmes: { en: "Programmes", zh: "参与项目" },
  over: { en: "not today", zh: "今日不适用" },
  appliances: { en: "Owns (by sales lists)", zh: "拥有电器（销售清单）" },
  noDevices: { en: "No device that can be limited.", zh: "无可控设备。" },
  agreement: { en: "May be written to", zh: "是否同意接收消息" },
  noContacts: { en: "The contacts cannot be read.", zh: "无法读取联系信息。" },
  consented: { en: "Agreed on", zh: "同意日期" },
  withdrawn: { en: "Taken back on", zh: "撤回日期" },
  ended: { en: "Supply ended on", zh: "终止日期" },
  credits: { en: "Credits", zh: "奖励账户" },
  points: { en: "Points", zh: "积分" },
  nothing: { en: "nothing yet", zh: "暂无" },
  tier: { en: "Tier", zh: "等级" },
  earned: { en: "Earned in a year", zh: "近一年获得" },
  expiring: { en: "Next to expire", zh: "即将到期" },
  pending: { en: "Held for", zh: "待兑换" },
  on: (what: string, at: string): Text => ({ en: `${what} on ${at}`, zh: `${at} 到期 ${what}` }),
  optedOut: { en: "Said no to", zh: "拒绝参与的请求" },
  neverNo: { en: "Never said no.", zh: "无拒绝记录。" },
  words: { en: "Contact log", zh: "联系记录" },
  noWords: { en: "Nothing was said lately.", zh: "近期无联系记录。" },
  what: { en: "What", zh: "内容" },
  via: { en: "Way", zh: "方式" },
  result: { en: "Result", zh: "结果" },
};
const STANDINGS: Readonly<Record<string, { tone: "normal" | "warn" | "off"; text: Text }>> = {
  agreed: { tone: "normal", text: { en: "yes, agreed", zh: "已同意" } },
  not_held: { tone: "off", text: { en: "no contact is held", zh: "未登记联系方式" } },
  no_consent: { tone: "off", text: { en: "no, never agreed", zh: "未曾同意" } },
  opted_out: { tone: "warn", text: { en: "no, taken back", zh: "已撤回同意" } },
  ended: { tone: "off", text: { en: "no, supply ended", zh: "已终止供电" } },
};
const QUALITIES: Readonly<Record<string, Text>> = {
  measured: { en: "measured", zh: "实测" },
  stale: { en: "stale", zh: "数据过期" },
  estimated: { en: "estimated", zh: "估算" },
};
const SAID: Readonly<Record<string, Text>> = {
  notice: { en: "notice", zh: "通知" },
  follow_up: { en: "reminder", zh: "提醒" },
  thanks: { en: "thanks", zh: "感谢" },
  explanation: { en: "explanation", zh: "说明" },
  taken_back: { en: "taking back", zh: "撤回通知" },
  opted_in: { en: "yes", zh: "参与" },
  opted_out: { en: "no", zh: "不参与" },
};
const WHAT: Readonly<Record<Word["what"], Text>> = {
  asked: { en: "asked", zh: "发出请求" },
  delivered: { en: "delivered", zh: "已送达" },
  not_delivered: { en: "not delivered", zh: "未送达" },
  answered: { en: "answered", zh: "答复" },
  message: { en: "told", zh: "告知" },
};
type Word = components["schemas"]["WordRow"];
const EVERY_MS = 15_000;

export function CustomerPage({ customer }: { customer: string }) {
  const found = useResource(
    (signal) => body(client.GET("/api/v1/customers/{customer}", { params: { path: { customer } }, signal })),
    [customer],
    EVERY_MS,
  );
  return (
    <div class="grid">
      <Known of={found}>
        {(page) => (
          <>
            {page.supplies.map((supply) => (
              <Supply key={`${supply.feeder}/${supply.service_point}`} supply={supply} />
            ))}
            <ContactPanel key={customer} customer={customer} />
            <Agreement page={page} />
            <Credits page={page} />
            <Panel title={words.requests} class="wide">
              <RequestsTable rows={page.requests} />
            </Panel>
            {page.opted_out.length > 0 && (
              <Panel title={own.optedOut} class="wide">
                <RequestsTable rows={page.opted_out} caption={own.optedOut} />
              </Panel>
            )}
            <Panel title={own.words} class="wide">
              <ContactLog words={page.words} />
            </Panel>
          </>
        )}
      </Known>
    </div>
  );
}

function Supply({ supply }: { supply: SupplyRow }) {
  const quality = supply.quality ? QUALITIES[supply.quality] : undefined;
  return (
    <Panel title={own.supply(supply.service_point)} class="wide">
      {supply.excluded && (
        <p class="note warn">
          {t(words.excluded)} ({supply.excluded})
        </p>
      )}
      <Facts
        facts={[
          [words.feeder, <a href={`#/feeders/${encodeURIComponent(supply.feeder)}`}>{supply.feeder}</a>],
          [words.meter, supply.meter],
          [own.takesNow, <>{kw(supply.p_kw)} {quality && <span class="muted">({t(quality)})</span>}</>],
          ...(supply.critical ? ([[words.critical, <Status tone="info">{t(words.neverLimited)}</Status>]] as const) : []),
          ...(supply.tags.length ? ([[own.tags, supply.tags.map(tagText).join(", ")]] as const) : []),
          [own.notices, t(supply.takes_notices ? own.yes : own.no)],
          [own.language, languageName(supply.language)],
          ...(supply.programmes.length ? ([[own.programmes, <Programmes supply={supply} />]] as const) : []),
          ...(supply.appliances.length
            ? ([[own.appliances, supply.appliances.map((one) => `${deviceText(one.kind)} ${kw(one.rated_kw)}`).join(", ")]] as const)
            : []),
        ]}
      />
      {supply.devices.length ? <DeviceTable rows={supply.devices} isShort /> : <Empty>{t(own.noDevices)}</Empty>}
    </Panel>
  );
}

function Programmes({ supply }: { supply: SupplyRow }) {
  return (
    <>
      {supply.programmes.map((one) => (
        <span key={one.programme} class="row">
          {one.names[language.value] ?? one.names["en"] ?? one.programme}
          <span class="muted">
            {dateText(one.from_day)} – {one.until_day ? dateText(one.until_day) : "…"}
            {!one.holds && ` (${t(own.over)})`}
          </span>
        </span>
      ))}
    </>
  );
}

function Agreement({ page }: { page: Page }) {
  const consent = page.consent;
  const known = consent ? STANDINGS[consent.standing] : undefined;
  return (
    <Panel title={own.agreement}>
      {!consent ? (
        <Empty>{t(own.noContacts)}</Empty>
      ) : (
        <Facts
          facts={[
            [words.state, <Status tone={known?.tone ?? "normal"}>{known ? t(known.text) : consent.standing}</Status>],
            [own.consented, consent.consented_on ? dateText(consent.consented_on) : "–"],
            ...(consent.withdrawn_on ? ([[own.withdrawn, dateText(consent.withdrawn_on)]] as const) : []),
            ...(consent.ended_on ? ([[own.ended, dateText(consent.ended_on)]] as const) : []),
          ]}
        />
      )}
    </Panel>
  );
}

function Credits({ page }: { page: Page }) {
  const { rewards } = page;
  const balances = Object.entries(rewards.balances);
  return (
    <Panel title={own.credits}>
      <Facts
        facts={[
          ...(balances.length
            ? balances.map(([unit, amount]) => [unit === "points" ? own.points : { en: unit, zh: unit }, plain(amount)] as const)
            : ([[own.points, t(own.nothing)]] as const)),
          ...(rewards.tier ? ([[own.tier, rewards.tier]] as const) : []),
          [own.earned, `${plain(rewards.earned_points)} ${t(own.points).toLowerCase()}`],
          ...(rewards.expiring_points && rewards.expiring_on
            ? ([[own.expiring, t(own.on(plain(rewards.expiring_points), dateText(rewards.expiring_on)))]] as const)
            : []),
          ...rewards.pending.map((one) => [own.pending, `${one.item} · ${plain(one.points)}`] as const),
        ]}
      />
    </Panel>
  );
}

const WORDS: readonly Column<Word>[] = [
  { key: "at", name: words.at, cell: (row) => when(row.at) },
  {
    key: "what",
    name: own.what,
    cell: (row) => (
      <Status tone={row.what === "not_delivered" ? "warn" : "normal"}>
        {t(WHAT[row.what])}: {SAID[row.kind] ? t(SAID[row.kind]!) : row.kind}
      </Status>
    ),
  },
  { key: "via", name: own.via, cell: (row) => row.via ?? "–" },
  { key: "result", name: own.result, cell: (row) => row.result?.replaceAll("_", " ") ?? "–" },
  { key: "request", name: words.request, cell: (row) => row.request },
];

function ContactLog({ words: said }: { words: readonly Word[] }) {
  if (said.length === 0) return <Empty>{t(own.noWords)}</Empty>;
  return <Table caption={own.words} columns={WORDS} rows={said} id={(row) => `${row.at}${row.request}${row.what}${row.kind}`} />;
}
