/** Tell the server of a click. A beacon is sent even though the click leaves the page. */
export function trackClick(integration: string): void {
  const token = document.querySelector<HTMLInputElement>('[name=csrfmiddlewaretoken]')?.value ?? '';
  const form = new URLSearchParams({integration, csrfmiddlewaretoken: token});
  navigator.sendBeacon('/clicks/', form);
}
