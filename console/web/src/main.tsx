import { render } from "preact";
import "./style.css";
import "./live/overview"; // hears the stream from its first event on
import { App } from "./app";

const place = document.getElementById("app");
if (place) render(<App />, place);
