// A piece of the API that a screen shows: fetched when the screen opens, again when asked, and every so often
// while somebody looks. What was known stays on the screen while a newer one comes or fails, marked as stale.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Resource<T> {
  readonly data: T | undefined;
  readonly problem: unknown;
  readonly isLoading: boolean;
  /** Known, but the latest try failed. */
  readonly isStale: boolean;
  reload: () => void;
}

/**
 * `fetchIt` is asked again when one of `keys` changes, and every `everyMs` while the page is visible, but
 * not while a question is out: one that takes long would never be answered. An answer that is overtaken by a
 * newer question is dropped.
 */
export function useResource<T>(
  fetchIt: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
  everyMs?: number,
): Resource<T> {
  const [data, setData] = useState<T | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const [isLoading, setLoading] = useState(true);
  const latest = useRef<AbortController | null>(null);
  const isOut = useRef(false);
  const ask = useRef(fetchIt);
  ask.current = fetchIt;

  const reload = useCallback(() => {
    latest.current?.abort();
    const mine = (latest.current = new AbortController());
    setLoading(true);
    isOut.current = true;
    ask
      .current(mine.signal)
      .then((found) => {
        if (mine.signal.aborted) return;
        setData(found);
        setProblem(undefined);
      })
      .catch((error: unknown) => {
        if (!mine.signal.aborted) setProblem(error);
      })
      .finally(() => {
        if (mine.signal.aborted) return;
        isOut.current = false;
        setLoading(false);
      });
  }, []);

  useEffect(() => {
    setData(undefined);
    setProblem(undefined);
    reload();
    return () => latest.current?.abort();
  }, keys);

  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => document.hidden || isOut.current || reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);

  return { data, problem, isLoading, isStale: data !== undefined && problem !== undefined, reload };
}
