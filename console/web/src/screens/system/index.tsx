import { Page } from "../../parts/page";
import { verbatim } from "../../words";

export default function Screen() {
  return <Page title={verbatim("…")}>{null}</Page>;
}
