import { render } from "preact";
import "./style.css";
import "./live/overview"; // both hear the stream from its first event on
import "./live/site_clock";
import "./frame/deaf";
import { App } from "./app";

const place = document.getElementById("app");
if (place) render(<App />, place);
