// A server for the tests: it remembers what is posted, and answers what it is told to.
import {Blob as ReadableBlob} from 'node:buffer';

import {vi} from 'vitest';

export interface Posted {
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials?: string | undefined;
  readonly keepalive?: boolean | undefined;
}

interface Page {
  readonly status: number;
  readonly type?: string;
  readonly text?: string;
  /** Where the browser was sent to before. */
  readonly redirectedTo?: string;
}

type Answer = number | Page | 'no network' | 'never';

export function startServer(...answers: Answer[]) {
  const posts: Posted[] = [];
  const beacons: Posted[] = [];
  const pending: Promise<void>[] = [];
  let answerAll: () => void = () => undefined;
  const held = new Promise<void>(resolve => (answerAll = resolve));

  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    posts.push({
      url,
      body: JSON.parse(init.body as string),
      headers: init.headers as Record<string, string>,
      credentials: init.credentials,
      keepalive: init.keepalive,
    });
    const answer = answers.shift() ?? 204;
    if (answer === 'never') {
      await Promise.race([
        held,
        new Promise((_, reject) => {
          init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
      ]);
      return new Response(null, {status: 204});
    }
    if (answer === 'no network') {
      throw new TypeError('Failed to fetch');
    }
    return response(url, typeof answer === 'number' ? {status: answer} : answer);
  });
  vi.stubGlobal('Blob', ReadableBlob); // that of jsdom cannot be read
  vi.stubGlobal('navigator', {
    sendBeacon: (url: string, blob: Blob) => {
      const read = blob.text().then(text => {
        beacons.push({url, body: JSON.parse(text), headers: {'Content-Type': blob.type}});
      });
      pending.push(read);
      return true;
    },
  });
  return {
    posts,
    beacons: async () => {
      await Promise.all(pending);
      return beacons;
    },
    variants: () => posts.map(({body}) => (body as {variant: unknown}).variant),
    /** Answer 204 to what was never answered. */
    answer: () => answerAll(),
  };
}

/** As the browser gives it; one that is made here says nothing of redirects. */
function response(url: string, {status, type, text = '', redirectedTo}: Page): Response {
  const headers = type === undefined ? undefined : {'Content-Type': type};
  const made = new Response(status === 204 ? null : text, {status, headers});
  Object.defineProperty(made, 'url', {value: redirectedTo ?? url});
  Object.defineProperty(made, 'redirected', {value: redirectedTo !== undefined});
  return made;
}

/** A browser that cannot let a request outlive its page, such as Firefox before 133. */
export function withoutKeepalive(): void {
  vi.stubGlobal('Request', class {});
}

/** Let everything happen that waits for nothing but the clock. */
export async function pass(milliseconds = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

/** A page of its own, which knows nothing of the pages before it but what they stored. */
export async function openPage() {
  vi.resetModules();
  return import('../experiments/logExperiment');
}

export const assigned = (variant: string | number | boolean, unitId = '42', unitType = 'org') => ({
  variant,
  reason: 'assigned',
  unitType,
  unitId,
});
