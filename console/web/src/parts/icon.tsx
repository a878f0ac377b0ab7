// The few signs of the console, drawn as strokes in the colour of the text around them.

const PATHS = {
  overview: "M3 3h7v7H3zM14 3h7v7h-7zM3 14h7v7H3zM14 14h7v7h-7z",
  feeder: "M12 2v6M6 14h12M12 8v6M6 14v6M12 14v6M18 14v6M9 2h6",
  alarm: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
  event: "M3 12h4l3-8 4 16 3-8h4",
  command: "M4 6h10M18 6h2M4 12h2M10 12h10M4 18h8M16 18h4M14 4v4M8 10v4M12 16v4",
  customer: "M3 11l9-8 9 8M6 9v11h12V9M10 20v-6h4v6",
  reward: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 9.5c0-2.5 6-2.500 6 0s-6 2.500-6 5 6 2.500 6 0M12 6v12",
  system: "M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01",
  handover: "M5 3h11l3 3v15H5zM9 9h6M9 13h6M9 17h4",
  stop: "M8 2h8l6 6v8l-6 6H8l-6-6V8zM8 12h8",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-5 16-5 16 0",
  close: "M5 5l14 14M19 5L5 19",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  warning: "M12 3L2 21h20zM12 10v5M12 18h.01",
  check: "M4 13l5 5L20 6",
  up: "M6 14l6-6 6 6",
  down: "M6 10l6 6 6-6",
  next: "M9 5l7 7-7 7",
  previous: "M15 5l-7 7 7 7",
  print: "M7 9V3h10v6M7 18H4v-9h16v9h-3M7 14h10v7H7z",
  download: "M12 3v12M7 11l5 5 5-5M4 21h16",
  sound: "M4 9v6h4l5 4V5L8 9zM17 8a5 5 0 0 1 0 8",
  mute: "M4 9v6h4l5 4V5L8 9zM17 9l5 6M22 9l-5 6",
  play: "M7 4l13 8-13 8z",
  pause: "M7 4h3v16H7zM14 4h3v16h-3z",
  menu: "M4 6h16M4 12h16M4 18h16",
} as const;

export type IconName = keyof typeof PATHS;

/** Says nothing by itself: what it means stands beside it, or in the label of what it is on. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
