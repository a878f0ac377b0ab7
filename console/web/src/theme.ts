// Dark, light, or as the machine has it.

import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
export const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const KEPT_AS = "gridward.theme";

function firstTheme(): Theme {
  const kept = localStorage.getItem(KEPT_AS);
  return THEMES.find((theme) => theme === kept) ?? "auto";
}

export const theme = signal<Theme>(firstTheme());

/** Counts up when colours have changed, for what draws on a canvas and must draw anew. */
export const coloursChanged = signal(0);

theme.subscribe((chosen) => {
  document.documentElement.dataset["theme"] = chosen;
  coloursChanged.value = coloursChanged.peek() + 1;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  coloursChanged.value = coloursChanged.peek() + 1;
});

export function wear(chosen: Theme): void {
  localStorage.setItem(KEPT_AS, chosen);
  theme.value = chosen;
}

/** A colour of the style sheet as it is now, for canvases: `colour("--over")`. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
