// A list that comes in pages: the items so far, and a button for more.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { t } from "../words";
import { Loading, ProblemNote } from "./states";

const words = { more: { en: "Show more", zh: "显示更多" } };

export interface PageOf<Item> {
  readonly items: readonly Item[];
  /** The `after` of the next page; null: this was the last. */
  readonly next: string | number | null;
}

export interface Paged<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly problem: unknown;
  more: () => void;
  reload: () => void;
}

/** Begins anew when one of `keys` changes. */
export function usePages<Item>(
  fetchPage: (after: string | number | null) => Promise<PageOf<Item>>,
  keys: readonly unknown[],
): Paged<Item> {
  const [items, setItems] = useState<readonly Item[]>([]);
  const [next, setNext] = useState<string | number | null>(null);
  const [isLoading, setLoading] = useState(true);
  const [problem, setProblem] = useState<unknown>(undefined);
  const round = useRef(0);
  const ask = useRef(fetchPage);
  ask.current = fetchPage;

  const load = useCallback((after: string | number | null) => {
    const mine = (round.current += 1);
    setLoading(true);
    ask
      .current(after)
      .then((page) => {
        if (mine !== round.current) return;
        setItems((known) => (after === null ? page.items : [...known, ...page.items]));
        setNext(page.next);
        setProblem(undefined);
      })
      .catch((error: unknown) => {
        if (mine === round.current) setProblem(error);
      })
      .finally(() => {
        if (mine === round.current) setLoading(false);
      });
  }, []);

  useEffect(() => {
    setItems([]);
    setNext(null);
    load(null);
    return () => {
      round.current += 1;
    };
  }, keys);

  const more = (): void => {
    if (next !== null) load(next);
  };
  return { items, hasMore: next !== null, isLoading, problem, more, reload: () => load(null) };
}

/** Below a list: more, or what went wrong. */
export function PagesFoot<Item>({ of, none }: { of: Paged<Item>; none: ComponentChildren }) {
  if (of.problem !== undefined) return <ProblemNote problem={of.problem} again={of.reload} />;
  if (of.isLoading) return <Loading />;
  if (!of.hasMore) return of.items.length === 0 ? <p class="empty">{none}</p> : null;
  return (
    <button type="button" onClick={of.more}>
      {t(words.more)}
    </button>
  );
}
