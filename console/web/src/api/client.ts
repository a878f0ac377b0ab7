// Requests to the API: deadlines, problems as one kind of error, and an idempotency key on every command.
// Paths, parameters and bodies are typed by the API's own document (`npm run api`).

import createClient from "openapi-fetch";
import { isAttended } from "./attention";
import type { paths } from "./schema";
import { Problem, problemOf } from "./problem";

const DEADLINE_MS = 20_000;

async function withDeadline(request: Request): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)]) });
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new Problem(0, "not reached", "");
  }
}

export const client = createClient<paths>({ baseUrl: "", fetch: withDeadline });

/** Whoever is told of each 401: the session is over. */
export const signedOut: { tell: () => void } = { tell: () => undefined };

client.use({
  onRequest({ request }) {
    if (request.method === "POST" && !request.headers.has("idempotency-key")) {
      request.headers.set("idempotency-key", crypto.randomUUID());
    }
    if (!isAttended()) request.headers.set("x-gridward-unattended", "1");
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok || response.status === 304) return undefined;
    if (response.status === 401 && !new URL(request.url).pathname.startsWith("/api/v1/session")) signedOut.tell();
    throw await problemOf(response);
  },
});

interface Fetched<T> {
  data?: T;
}

/** The body of an answer that has one: `await body(client.GET("/api/v1/feeders"))`. Throws `Problem`. */
export async function body<T>(request: Promise<Fetched<T>>): Promise<T> {
  const { data } = await request;
  return data as T;
}
