// What went wrong with a request, as people are told it (RFC 9457).

import { t, type Text } from "../words";

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly retryAfterS: number | null = null,
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

/** In the language in use, with the controller's own words behind. */
export function problemText(problem: unknown): string {
  if (!(problem instanceof Problem)) return problem instanceof Error ? problem.message : String(problem);
  const said = SAID[problem.status];
  if (!said) return `${problem.title} (${problem.status}). ${problem.detail}`;
  return problem.status === 0 || problem.status === 401 ? t(said) : `${t(said)} ${problem.detail}`.trim();
}

interface ProblemDocument {
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
  );
}
