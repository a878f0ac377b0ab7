// A priority by shape and word; coloured only where the alarm waits or stands.

import { PRIORITY_SIGNS, type Priority } from "./kind_names";
import { t } from "../../words";

export function PriorityMark({ priority, isQuiet = false }: { priority: Priority; isQuiet?: boolean }) {
  return (
    <span class={`alarm-priority ${isQuiet ? "" : priority}`}>
      <span aria-hidden="true">{PRIORITY_SIGNS[priority].sign}</span> {t(PRIORITY_SIGNS[priority].name)}
    </span>
  );
}
