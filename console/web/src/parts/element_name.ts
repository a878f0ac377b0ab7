// What an element of a network is called: "trafo:0" is "Transformer 0".

import { t, type Text } from "../words";

const KINDS: Readonly<Record<string, Text>> = {
  line: { en: "Line", zh: "线路" },
  trafo: { en: "Transformer", zh: "变压器" },
  trafo3w: { en: "Three-winding transformer", zh: "三绕组变压器" },
  bus: { en: "Bus", zh: "节点" },
};

/** What has another form is told as it stands. */
export function elementName(id: string): string {
  const [kind = "", number] = id.split(":", 2);
  const known = KINDS[kind];
  return known && number !== undefined ? `${t(known)} ${number}` : id;
}
