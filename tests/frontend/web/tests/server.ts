// A server for the tests: it remembers what is posted, and answers what it is told to.
import {Blob as ReadableBlob} from 'node:buffer';

import {vi} from 'vitest';

export interface Posted {
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly redirect?: string | undefined;
  readonly credentials?: string | undefined;
}

type Answer = number | 'no network' | 'never';

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
      redirect: init.redirect,
      credentials: init.credentials,
    });
    const answer = answers.shift() ?? 204;
    if (answer === 'never') {
      await Promise.race([
        held,
        new Promise((_, reject) => {
          init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
      ]);
      return {ok: true, status: 204};
    }
    if (answer === 'no network') {
      throw new TypeError('Failed to fetch');
    }
    return {ok: answer >= 200 && answer < 300, status: answer};
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
