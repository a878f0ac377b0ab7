// The console as a whole: who is let in, the frame around the screens, and which screen is shown.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Route, Router, Switch } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import { Frame } from "./frame/frame";
import { closeStream, openStream } from "./live/stream";
import { Page } from "./parts/page";
import { Empty, Loading, ProblemNote } from "./parts/states";
import { SCREENS, type Screen } from "./screens";
import { arrive, may, mustSignIn, who } from "./session";
import { SignIn } from "./frame/sign_in";
import { t } from "./words";

const words = {
  nowhere: { en: "There is no such page", zh: "页面不存在" },
  notYours: { en: "Your role does not show this", zh: "您的角色无法查看此页面" },
  ask: { en: "A supervisor can give you a role that does.", zh: "请联系值班长为您分配相应角色。" },
};
const AGAIN_MS = 5_000;

export function App() {
  const [problem, setProblem] = useState<unknown>(undefined);
  const [hasArrived, setArrived] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const come = (): void => {
      arrive().then(
        () => setArrived(true),
        (error: unknown) => {
          setProblem(error);
          timer = setTimeout(come, AGAIN_MS);
        },
      );
    };
    come();
    return () => clearTimeout(timer);
  }, []);
  if (!hasArrived) return <main class="alone">{problem === undefined ? <Loading /> : <ProblemNote problem={problem} />}</main>;
  if (mustSignIn.value) return <SignIn isAlone />;
  return <Shown />;
}

function Shown() {
  const name = who.value?.name ?? null;
  useEffect(() => {
    openStream(); // anew for who signed in or out
    return closeStream;
  }, [name]);
  return (
    <Router hook={useHashLocation}>
      <Frame>
        <Switch>
          {SCREENS.map((screen) => (
            <Route key={screen.path} path={screen.path} nest={screen.path !== "/"}>
              <Opened screen={screen} />
            </Route>
          ))}
          <Route>
            <Page title={words.nowhere}>{null}</Page>
          </Route>
        </Switch>
      </Frame>
    </Router>
  );
}

const opened = new Map<string, ComponentType>();

/** A screen, once its part of the program is here. */
function Opened({ screen }: { screen: Screen }) {
  const [, setLoaded] = useState(0);
  const [problem, setProblem] = useState<unknown>(undefined);
  const Known = opened.get(screen.path);
  useEffect(() => {
    if (Known) return;
    screen.load().then(
      (module) => {
        opened.set(screen.path, module.default);
        setLoaded((count) => count + 1);
      },
      setProblem,
    );
  }, [screen]);
  if (screen.permission && !may(screen.permission)) {
    return (
      <Page title={words.notYours}>
        <Empty>{t(words.ask)}</Empty>
      </Page>
    );
  }
  if (Known) return <Known />;
  // after an update of the daemon the old parts are gone: only a new page finds the new ones
  return problem === undefined ? <Loading /> : <ProblemNote problem={problem} again={() => location.reload()} />;
}
