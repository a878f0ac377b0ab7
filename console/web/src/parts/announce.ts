// What a screen reader is told without the focus moving.

let place: HTMLElement | null = null;

export function announce(text: string): void {
  if (!place) {
    place = document.createElement("div");
    place.className = "unseen";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = "";
  const told = place;
  setTimeout(() => (told.textContent = text), 50); // the same text again is told again
}
