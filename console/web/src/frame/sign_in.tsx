// Signing in: name and password, the second factor where the account has one, or a provider.

import { useState } from "preact/hooks";
import { Problem, problemText } from "../api/problem";
import { Field } from "../parts/field";
import { entrance, signIn } from "../session";
import { t } from "../words";

const words = {
  title: { en: "Sign in", zh: "登录" },
  name: { en: "Name", zh: "用户名" },
  password: { en: "Password", zh: "密码" },
  code: { en: "Code", zh: "验证码" },
  codeHint: { en: "Six digits, where your account has a second factor", zh: "如已启用双重验证，请输入六位数字" },
  wrong: { en: "Name, password or code is not right.", zh: "用户名、密码或验证码不正确。" },
  provider: { en: "Sign in with your organisation", zh: "使用单位账号登录" },
};

/** The whole page where nobody may look without. */
export function SignIn({ isAlone }: { isAlone: boolean }) {
  return (
    <main class={isAlone ? "alone" : ""}>
      <div class="panel sign-in">
        <h1>{entrance.value?.site ?? "Gridward"}</h1>
        <SignInForm onDone={() => undefined} />
      </div>
    </main>
  );
}

export function SignInForm({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFault("");
    try {
      await signIn(name, password, code.trim() || null);
      onDone();
    } catch (error) {
      setFault(error instanceof Problem && error.status === 401 ? t(words.wrong) : problemText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={(event) => void submit(event)}>
      <Field label={words.name}>
        {(tie) => <input {...tie} value={name} onInput={(event) => setName(event.currentTarget.value)} autocomplete="username" required />}
      </Field>
      <Field label={words.password}>
        {(tie) => (
          <input
            {...tie}
            type="password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
            autocomplete="current-password"
            required
          />
        )}
      </Field>
      <Field label={words.code} hint={words.codeHint}>
        {(tie) => (
          <input
            {...tie}
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
            inputMode="numeric"
            autocomplete="one-time-code"
            maxLength={8}
          />
        )}
      </Field>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <button type="submit" class="primary" disabled={isBusy}>
        {t(words.title)}
      </button>
      {entrance.value?.openid && <a href="/api/v1/session/openid">{t(words.provider)}</a>}
    </form>
  );
}
