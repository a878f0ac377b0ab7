// What went wrong with a request, as people are told it (RFC 9457).

import { t, type Text } from "../words";

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly retryAfterS: number | null = null,
    /** Tells it from others of the same status; null: there is nothing to tell. */
    readonly code: string | null = null,
  ) {
    super(detail || title);
  }

  /** The daemon was not reached at all. */
  get isUnreached(): boolean {
    return this.status === 0;
  }
}

const SAID: Readonly<Record<number, Text>> = {
  0: { en: "The controller cannot be reached.", zh: "无法连接控制器。" },
  401: { en: "Please sign in.", zh: "请登录。" },
  403: { en: "Your role does not allow this.", zh: "您的角色无权执行此操作。" },
  404: { en: "This does not exist.", zh: "该对象不存在。" },
  409: { en: "This cannot be done as things stand.", zh: "当前情况下无法执行。" },
  422: { en: "The controller does not take this.", zh: "控制器不接受此内容。" },
  429: { en: "Too many requests: wait a little.", zh: "请求过于频繁，请稍候。" },
  503: { en: "The controller cannot do this now.", zh: "控制器目前无法执行。" },
};

const SAID_BY_CODE: Readonly<Record<string, Text>> = {
  still_runs: { en: "This is still under way: wait a little.", zh: "该操作仍在进行，请稍候。" },
  too_many_run: { en: "Too much is under way: wait a little.", zh: "正在处理的操作过多，请稍候。" },
};

/** In the language in use: by its code where it has one that is known here, else with the controller's own words. */
export function problemText(problem: unknown): string {
  if (!(problem instanceof Problem)) return problem instanceof Error ? problem.message : String(problem);
  const known = problem.code === null ? undefined : SAID_BY_CODE[problem.code];
  if (known) return t(known);
  const said = SAID[problem.status];
  if (!said) return `${problem.title} (${problem.status}). ${problem.detail}`;
  return problem.status === 0 || problem.status === 401 ? t(said) : `${t(said)} ${problem.detail}`.trim();
}

const TYPE = "urn:gridward:problem:";

interface ProblemDocument {
  type?: unknown;
  title?: unknown;
  detail?: unknown;
}

export async function problemOf(answer: Response): Promise<Problem> {
  let told: ProblemDocument = {};
  try {
    told = (await answer.json()) as ProblemDocument;
  } catch {
    // a proxy's page, say: the status tells enough
  }
  const wait = Number(answer.headers.get("retry-after") ?? NaN);
  return new Problem(
    answer.status,
    typeof told.title === "string" ? told.title : answer.statusText,
    typeof told.detail === "string" ? told.detail : "",
    Number.isFinite(wait) ? wait : null,
    typeof told.type === "string" && told.type.startsWith(TYPE) ? told.type.slice(TYPE.length) : null,
  );
}
