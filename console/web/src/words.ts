// The two languages of the console. A text has both, or it does not compile.

import { signal } from "@preact/signals";

export interface Text {
  readonly en: string;
  readonly zh: string;
}
export type Language = keyof Text;
export const LANGUAGES: Readonly<Record<Language, string>> = { en: "English", zh: "简体中文" };

/** What Intl and the lang attribute need. */
export const LOCALES: Readonly<Record<Language, string>> = { en: "en-GB", zh: "zh-CN" };

const KEPT_AS = "gridward.language";

function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT_AS);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

/** The language in use: what reads it while it is drawn is drawn anew when it changes. */
export const language = signal<Language>(firstLanguage());

language.subscribe((chosen) => {
  document.documentElement.lang = LOCALES[chosen];
});

export function speak(chosen: Language): void {
  localStorage.setItem(KEPT_AS, chosen);
  language.value = chosen;
}

/** The text in the language in use. */
export const t = (text: Text): string => text[language.value];

/** What no language changes, such as an identifier. */
export const verbatim = (text: string): Text => ({ en: text, zh: text });
