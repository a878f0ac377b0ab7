// What screens put into the header, so that it is in view wherever one is: alarms, emergency stop.

import type { ComponentType } from "preact";
import { AlarmStrip } from "../screens/alarms/strip";
import { CommandStrip } from "../screens/commands/strip";

export const HEADER_PARTS: readonly ComponentType[] = [AlarmStrip, CommandStrip];
