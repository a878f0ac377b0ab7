// Who sits here, and what they may do.

import { computed, signal } from "@preact/signals";
import { body, client, signedOut } from "./api/client";
import { Problem } from "./api/problem";
import { onLost } from "./live/stream";

export interface Entrance {
  readonly site: string;
  /** Whether there are accounts to sign in with. */
  readonly accounts: boolean;
  /** Whether a provider's word counts. */
  readonly openid: boolean;
  readonly sign_in_to_look: boolean;
}
export interface Who {
  readonly name: string | null;
  readonly may: readonly string[];
  /** null: all */
  readonly feeders: readonly string[] | null;
}

export const entrance = signal<Entrance | null>(null);
export const who = signal<Who | null>(null);

/** Whether there is nothing to be seen before somebody signs in. */
export const mustSignIn = computed(() => entrance.value !== null && entrance.value.sign_in_to_look && !who.value);

/** On this feeder; without one, on any. The controller decides again by itself. */
export function may(permission: string, feeder?: string): boolean {
  const one = who.value;
  if (!one) return permission === "look" && entrance.value?.sign_in_to_look === false;
  return one.may.includes(permission) && (feeder === undefined || one.feeders === null || one.feeders.includes(feeder));
}

/** Learn how one gets in, and who is in already. Throws `Problem` where the controller is not reached. */
export async function arrive(): Promise<void> {
  const found = await body(client.GET("/api/v1/entrance"));
  entrance.value = found;
  who.value = found.accounts ? await whoIsIn() : null;
}

async function whoIsIn(): Promise<Who | null> {
  try {
    return await body(client.GET("/api/v1/session"));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

export async function signIn(name: string, password: string, code: string | null): Promise<void> {
  who.value = await body(client.POST("/api/v1/session", { body: { name, password, code } }));
}

export async function signOut(): Promise<void> {
  await client.DELETE("/api/v1/session");
  who.value = null;
}

signedOut.tell = () => {
  who.value = null;
};

/** A line may be lost because the session is over, which a stream cannot say. */
async function ask(): Promise<void> {
  if (!who.value) return;
  try {
    if ((await whoIsIn()) === null) signedOut.tell();
  } catch {
    // the controller is not reached: that is what the line says already
  }
}

onLost(() => void ask());
