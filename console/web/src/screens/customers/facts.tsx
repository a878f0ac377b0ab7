// Names with their values, in two columns.

import type { ComponentChildren } from "preact";
import { t, type Text } from "../../words";

export function Facts({ facts }: { facts: readonly (readonly [Text, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name.en}>
          <dt>{t(name)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
