// What stands around each screen: the navigation, whose site it is, the time, how the line is, who sits here.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { clockTime, dateText, siteNowMs } from "../format";
import { isControllerSilent } from "../live/site_clock";
import { hasShown, link, type LinkState } from "../live/stream";
import { Icon } from "../parts/icon";
import { Status, type Tone } from "../parts/status";
import { SCREENS } from "../screens";
import { entrance, may } from "../session";
import { t, type Text } from "../words";
import { Personal } from "./personal";
import { HEADER_PARTS } from "./header_parts";

const words = {
  skip: { en: "Skip to the content", zh: "跳到正文" },
  screens: { en: "Screens", zh: "页面" },
  menu: { en: "Menu", zh: "菜单" },
  noCycles: {
    en: "The controller answers, but no feeder has had a cycle lately.",
    zh: "控制器有应答，但近期没有任何馈线完成控制周期。",
  },
  notPresent: { en: "What you see is not the present.", zh: "当前显示的不是最新状态。" },
};
const LINKS: Readonly<Record<LinkState, { tone: Tone; text: Text }>> = {
  connecting: { tone: "off", text: { en: "Connecting", zh: "正在连接" } },
  live: { tone: "normal", text: { en: "Live", zh: "实时" } },
  silent: { tone: "warn", text: { en: "Silent", zh: "无新数据" } },
  lost: { tone: "bad", text: { en: "No connection", zh: "连接中断" } },
};

export function Frame({ children }: { children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the hash is the address of the screen
          document.getElementById("main")?.focus();
        }}
      >
        {t(words.skip)}
      </a>
      <header class="head">
        <button type="button" class="quiet menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <Icon name="menu" />
          <span class="unseen">{t(words.menu)}</span>
        </button>
        <span class="brand">
          <strong>Gridward</strong>
          <span class="site">{entrance.value?.site}</span>
        </span>
        <span class="head-parts">
          {HEADER_PARTS.map((Part, place) => (
            <Part key={place} />
          ))}
        </span>
        <Clock />
        <Personal />
      </header>
      <Navigation isOpen={isOpen} onGo={() => setOpen(false)} />
      <main id="main" tabIndex={-1}>
        <NotPresent />
        {children}
      </main>
    </div>
  );
}

/** Before anything was shown, a screen says by itself that it waits. */
function NotPresent() {
  const isLost = link.value === "lost" || link.value === "silent";
  if (link.value !== "live" && (isLost || hasShown.value)) {
    return (
      <div class="note bad" role="alert">
        <Icon name="warning" />
        <strong>{t(LINKS[link.value].text)}.</strong> {t(words.notPresent)}
      </div>
    );
  }
  if (!isControllerSilent.value) return null;
  return (
    <div class="note bad" role="status">
      <Icon name="warning" />
      <strong>{t(words.noCycles)}</strong> {t(words.notPresent)}
    </div>
  );
}

function Clock() {
  const { tone, text } = LINKS[link.value];
  return (
    <span class="clock-place">
      <Status tone={tone}>{t(text)}</Status>
      <time class="clock" dateTime={new Date(siteNowMs.value).toISOString()}>
        <span class="date">{dateText(siteNowMs.value)}</span> {clockTime(siteNowMs.value)}
      </time>
    </span>
  );
}

function Navigation({ isOpen, onGo }: { isOpen: boolean; onGo: () => void }) {
  const [path] = useLocation();
  return (
    <nav class={isOpen ? "open" : ""} aria-label={t(words.screens)}>
      <ul>
        {SCREENS.filter((screen) => !screen.permission || may(screen.permission)).map((screen) => {
          const isHere = screen.path === "/" ? path === "/" : path.startsWith(screen.path);
          return (
            <li key={screen.path}>
              <a href={`#${screen.path}`} {...(isHere ? { "aria-current": "page" as const } : {})} onClick={onGo}>
                <Icon name={screen.icon} />
                {t(screen.name)}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
