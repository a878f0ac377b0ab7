// Who sits here, and how they like the console: language, theme, signing in and out.

import { useEffect, useRef, useState } from "preact/hooks";
import { Choice } from "../parts/field";
import { Icon } from "../parts/icon";
import { problemText } from "../api/problem";
import { entrance, signOut, who } from "../session";
import { theme, THEMES, wear, type Theme } from "../theme";
import { language, LANGUAGES, speak, t, verbatim, type Language, type Text } from "../words";
import { Dialog } from "../parts/dialog";
import { SignInForm } from "./sign_in";

const words = {
  you: { en: "You and your console", zh: "个人与界面设置" },
  signIn: { en: "Sign in", zh: "登录" },
  signOut: { en: "Sign out", zh: "退出登录" },
  looking: { en: "Looking only: nobody is signed in.", zh: "仅供查看：尚未登录。" },
  signedIn: (name: string): Text => ({ en: `Signed in as ${name}`, zh: `当前用户：${name}` }),
  language: { en: "Language", zh: "语言" },
  theme: { en: "Colours", zh: "配色" },
};
const THEME_NAMES: Readonly<Record<Theme, Text>> = {
  auto: { en: "As the machine", zh: "跟随系统" },
  light: { en: "Light", zh: "浅色" },
  dark: { en: "Dark", zh: "深色" },
};

export function Personal() {
  const [isOpen, setOpen] = useState(false);
  const [isSigningIn, setSigningIn] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const leave = (event: Event): void => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !place.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("keydown", leave);
    addEventListener("pointerdown", leave);
    return () => {
      removeEventListener("keydown", leave);
      removeEventListener("pointerdown", leave);
    };
  }, [isOpen]);
  return (
    <div class="personal" ref={place}>
      {entrance.value?.accounts && !who.value && (
        <button type="button" onClick={() => setSigningIn(true)}>
          {t(words.signIn)}
        </button>
      )}
      <button type="button" class="quiet" aria-expanded={isOpen} aria-label={t(words.you)} onClick={() => setOpen(!isOpen)}>
        <Icon name="person" />
        {who.value?.name}
      </button>
      {isOpen && <Preferences onDone={() => setOpen(false)} />}
      {isSigningIn && (
        <Dialog title={words.signIn} onClose={() => setSigningIn(false)}>
          <SignInForm onDone={() => setSigningIn(false)} />
        </Dialog>
      )}
    </div>
  );
}

function Preferences({ onDone }: { onDone: () => void }) {
  const [fault, setFault] = useState("");
  const leave = (): void => {
    signOut().then(onDone, (error: unknown) => setFault(problemText(error)));
  };
  return (
    <div class="preferences">
      <p>{who.value?.name ? t(words.signedIn(who.value.name)) : t(words.looking)}</p>
      <Choice
        label={words.language}
        value={language.value}
        options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, name: verbatim(LANGUAGES[value]) }))}
        onChange={speak}
      />
      <Choice
        label={words.theme}
        value={theme.value}
        options={THEMES.map((value) => ({ value, name: THEME_NAMES[value] }))}
        onChange={wear}
      />
      {who.value && (
        <button type="button" onClick={leave}>
          {t(words.signOut)}
        </button>
      )}
      {fault && <p role="alert">{fault}</p>}
    </div>
  );
}
