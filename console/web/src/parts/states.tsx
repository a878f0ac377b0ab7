// What stands where there is nothing to show: it is coming, there is none, it failed, one may not.

import type { ComponentChildren } from "preact";
import { problemText } from "../api/problem";
import type { Resource } from "../api/resource";
import { t, type Text } from "../words";
import { Icon } from "./icon";

const words = {
  loading: { en: "Loading …", zh: "正在加载……" },
  again: { en: "Try again", zh: "重试" },
  stale: { en: "Not up to date:", zh: "数据未更新：" },
};

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Loading() {
  return (
    <p class="empty" role="status">
      {t(words.loading)}
    </p>
  );
}

export function ProblemNote({ problem, again }: { problem: unknown; again?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <Icon name="warning" />
      <span>{problemText(problem)}</span>
      {again && (
        <button type="button" onClick={again}>
          {t(words.again)}
        </button>
      )}
    </div>
  );
}

export function StaleNote({ problem, again }: { problem: unknown; again: () => void }) {
  return (
    <div class="note warn" role="status">
      <Icon name="warning" />
      <span>
        {t(words.stale)} {problemText(problem)}
      </span>
      <button type="button" onClick={again}>
        {t(words.again)}
      </button>
    </div>
  );
}

interface KnownProps<T> {
  of: Resource<T>;
  /** Said when `isEmpty` says that there is nothing. */
  none?: Text;
  isEmpty?: (data: T) => boolean;
  children: (data: T) => ComponentChildren;
}

/** A resource in all its states. */
export function Known<T>({ of, none, isEmpty, children }: KnownProps<T>) {
  if (of.data === undefined) {
    return of.problem === undefined ? <Loading /> : <ProblemNote problem={of.problem} again={of.reload} />;
  }
  return (
    <>
      {of.isStale && <StaleNote problem={of.problem} again={of.reload} />}
      {none && isEmpty?.(of.data) ? <Empty>{t(none)}</Empty> : children(of.data)}
    </>
  );
}
