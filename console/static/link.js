// The line to the API: fetches what is static, holds the event stream open, and comes back by itself.
// Knows nothing of what is shown; tells the store what arrived and how the line is.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const SHORTEST_SILENCE_MS = 10000;
const MISSED_CYCLES = 4;
const REMEMBERED_GAPS = 5;

async function getJson(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/**
 * Keep a feeder's state coming. `wanted()` names the feeder or null for the first one.
 * Calls onStatic({site, feeders, feeder, network}), onState(event) and onLink(status).
 */
export function openLink({ wanted, onStatic, onState, onLink }) {
  let source = null;
  let waiting = null;
  let failures = 0;
  let heardAt = 0;
  let period = SHORTEST_SILENCE_MS; // between two events; learnt, for a site's time may run faster than ours
  let gaps = [];
  let attempt = 0;

  async function connect() {
    const mine = ++attempt;
    clearTimeout(waiting);
    source?.close();
    try {
      const { site, feeders } = await getJson("/api/v1/feeders");
      const feeder = feeders.find((one) => one.id === wanted()) ?? feeders[0];
      if (!feeder) throw new Error("the site has no feeder");
      const network = await getJson(`/api/v1/feeders/${encodeURIComponent(feeder.id)}/network`);
      if (mine !== attempt) return;
      // the first event of a stream is the last known state, however old
      heardAt = performance.now() - 1000 * (feeder.seconds_since_cycle ?? 0);
      period = feeder.period_s * 1000;
      gaps = [];
      onStatic({ site, feeders, feeder: feeder.id, network });
      listen(feeder.id, mine);
    } catch (error) {
      console.warn(error);
      if (mine === attempt) lost();
    }
  }

  function listen(feeder, mine) {
    source = new EventSource(`/api/v1/stream?feeder=${encodeURIComponent(feeder)}`);
    source.addEventListener("state", (message) => {
      if (mine !== attempt) return;
      failures = 0;
      const event = JSON.parse(message.data);
      if (!event.full) heard();
      onState(event);
      onLink(isSilent() ? "silent" : "live");
    });
    source.addEventListener("error", () => {
      if (mine === attempt) lost();
    });
  }

  function lost() {
    attempt += 1;
    source?.close();
    source = null;
    onLink("lost");
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    failures += 1;
    clearTimeout(waiting);
    waiting = setTimeout(connect, wait * (0.7 + 0.6 * Math.random())); // not all consoles at the same instant
  }

  function heard() {
    const now = performance.now();
    gaps = [...gaps, now - heardAt].slice(-REMEMBERED_GAPS);
    heardAt = now;
    if (gaps.length === REMEMBERED_GAPS) period = Math.max(...gaps);
  }

  const isSilent = () => performance.now() - heardAt > Math.max(SHORTEST_SILENCE_MS, MISSED_CYCLES * period);
  setInterval(() => {
    if (source && isSilent()) onLink("silent");
  }, 1000);
  addEventListener("online", connect);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && connect());
  connect();
  return { reconnect: connect };
}
