import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';

import {assigned, openPage, pass, startServer, withoutKeepalive} from './server';

const KEY = 'abkit-logged-experiments';

beforeEach(() => {
  vi.useFakeTimers({now: new Date('2026-11-22T12:00:00Z')});
  window.localStorage.clear();
  document.cookie = 'csrftoken=; max-age=0';
});

afterEach(() => {
  // The listeners of this page would hear the next page go: it gives away what it has.
  withoutKeepalive();
  vi.stubGlobal('navigator', {sendBeacon: () => true});
  window.dispatchEvent(new Event('pagehide'));
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('what is sent', () => {
  it('is the experiment, the unit and the variant, as JSON', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toEqual([
      {
        url: '/abkit/log-exposure/',
        body: {experiment: 'Plugins', unitType: 'org', unitId: '42', variant: '1'},
        headers: {'Content-Type': 'application/json'},
        credentials: 'same-origin',
        keepalive: true,
      },
    ]);
  });

  it('keeps numbers, texts and booleans apart', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    for (const variant of [1, '1', true, 'true']) {
      logExperiment('Plugins', assigned(variant));
    }
    await pass();
    expect(server.variants()).toEqual([1, '1', true, 'true']);
  });

  it.each(['forced', 'ineligible', 'not_enrolled', 'excluded', 'inactive', 'error', 'missing'])(
    'is nothing where the reason is %s',
    async reason => {
      const server = startServer();
      const {logExperiment} = await openPage();
      logExperiment('Plugins', {...assigned('1'), reason});
      logExperiment('Plugins', undefined);
      await pass(5_000);
      expect(server.posts).toEqual([]);
    },
  );

  it('tells the server of a unit that a holdout keeps out, and of a winner compared with one', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', {...assigned('0'), reason: 'holdout'});
    logExperiment('Buttons', {...assigned('1'), reason: 'inactive', exposesToHoldout: true});
    await pass();
    expect(server.variants()).toEqual(['0', '1']);
  });

  it('goes to the URL that was given', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {logUrl: '/elsewhere/'});
    await pass();
    expect(server.posts[0]?.url).toBe('/elsewhere/');
  });
});

describe('the CSRF token', () => {
  it("is that of Django's cookie", async () => {
    document.cookie = 'csrftoken=a%20b';
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts[0]?.headers['X-CSRFToken']).toBe('a b');
  });

  it('does not leave the own origin', async () => {
    document.cookie = 'csrftoken=secret';
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {logUrl: 'https://elsewhere.example/log'});
    await pass();
    expect(JSON.stringify(server.posts)).not.toContain('secret');
  });

  it('may come from a function, and go into another header', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {csrfToken: () => 'own', csrfHeader: 'X-Token'});
    await pass();
    expect(server.posts[0]?.headers).toMatchObject({'X-Token': 'own'});
  });
});

describe('deduplication', () => {
  it('sends a variant of a unit once', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    logExperiment('Plugins', assigned('1'));
    await pass();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(1);
  });

  it('counts A, B, A as three, in this order, while they wait and afterwards', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    for (const variant of ['A', 'A', 'B', 'B', 'A']) {
      logExperiment('Plugins', assigned(variant));
    }
    await pass();
    expect(server.variants()).toEqual(['A', 'B', 'A']);
    for (const variant of ['A', 'B', 'A']) {
      logExperiment('Plugins', assigned(variant));
      await pass();
    }
    expect(server.variants()).toEqual(['A', 'B', 'A', 'B', 'A']);
  });

  it('is by experiment, kind of unit and unit; no two of them are confused', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('One', assigned('1', '1'));
    logExperiment('One', assigned('1', '2'));
    logExperiment('One', assigned('1', '1', 'user'));
    logExperiment('Two', assigned('1', '1'));
    logExperiment('One', assigned('1', '12', 'team'));
    logExperiment('One', assigned('1', '2', 'team1'));
    logExperiment('__proto__', assigned('1', '__proto__', '__proto__'));
    logExperiment('One","org', assigned('1', '1'));
    logExperiment('__proto__', assigned('1', '__proto__', '__proto__'));
    await pass();
    expect(server.posts).toHaveLength(8);
  });

  it('lasts over pages and tabs, until the UTC day is over', async () => {
    const server = startServer();
    (await openPage()).logExperiment('Plugins', assigned('1'));
    await pass();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(1);
    vi.setSystemTime(new Date('2026-11-23T00:00:01Z'));
    logExperiment('Plugins', assigned('1'));
    await pass();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(2);
  });

  it('notices what another tab has logged meanwhile', async () => {
    const server = startServer();
    const one = await openPage();
    const other = await openPage();
    one.logExperiment('Plugins', assigned('A'));
    await pass();
    other.logExperiment('Plugins', assigned('B'));
    await pass();
    one.logExperiment('Plugins', assigned('A'));
    await pass();
    expect(server.variants()).toEqual(['A', 'B', 'A']);
  });

  it('remembers a bounded number of units, the youngest', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    for (let unit = 0; unit < 201; unit++) {
      logExperiment('Plugins', assigned('1', String(unit)));
      await pass();
    }
    const stored = JSON.parse(window.localStorage.getItem(KEY) ?? '') as {variants: object};
    expect(Object.keys(stored.variants)).toHaveLength(200);
    logExperiment('Plugins', assigned('1', '200'));
    await pass();
    expect(server.posts).toHaveLength(201);
    logExperiment('Plugins', assigned('1', '0'));
    await pass();
    expect(server.posts).toHaveLength(202);
  });

  it.each(['{', 'null', '7', '{"day":"2026-11-22"}', '{"day":"2026-11-22","variants":null}'])(
    'starts anew where the storage holds %s',
    async text => {
      window.localStorage.setItem(KEY, text);
      const server = startServer();
      const {logExperiment} = await openPage();
      logExperiment('Plugins', assigned('1'));
      await pass();
      logExperiment('Plugins', assigned('1'));
      await pass();
      expect(server.posts).toHaveLength(1);
    },
  );

  it.each([
    ['throws when it is read', {getItem: refuse, setItem: refuse}],
    ['is full', {getItem: () => null, setItem: refuse}],
    ['is missing', undefined],
  ])('is by memory where the storage %s', async (_, storage) => {
    vi.stubGlobal('localStorage', storage);
    const server = startServer();
    const {logExperiment} = await openPage();
    for (const variant of ['A', 'A', 'B', 'A']) {
      logExperiment('Plugins', assigned(variant));
      await pass();
    }
    expect(server.variants()).toEqual(['A', 'B', 'A']);
    vi.setSystemTime(new Date('2026-11-23T00:00:01Z'));
    logExperiment('Plugins', assigned('A'));
    await pass();
    expect(server.posts).toHaveLength(4);
  });
});

it('remembers a bounded number of units in memory too', async () => {
  vi.stubGlobal('localStorage', undefined);
  const server = startServer();
  const {logExperiment} = await openPage();
  for (let unit = 0; unit < 201; unit++) {
    logExperiment('Plugins', assigned('1', String(unit)));
    await pass();
  }
  logExperiment('Plugins', assigned('1', '1'));
  await pass();
  expect(server.posts).toHaveLength(201);
  logExperiment('Plugins', assigned('1', '0'));
  await pass();
  expect(server.posts).toHaveLength(202);
});

describe('what goes wrong', () => {
  it.each([500, 503, 'no network'] as const)('is retried once after %s', async failure => {
    const onError = vi.fn();
    const server = startServer(failure);
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {onError});
    await pass();
    expect(server.posts).toHaveLength(1);
    await pass(1_000);
    expect(server.posts).toHaveLength(2);
    logExperiment('Plugins', assigned('1'), {onError});
    await pass(5_000);
    expect(server.posts).toHaveLength(2);
    expect(onError).not.toHaveBeenCalled();
  });

  it('is given up after the second time, reported once, and may be logged again', async () => {
    const onError = vi.fn();
    const server = startServer(500, 'no network');
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {onError});
    await pass(10_000);
    expect(server.posts).toHaveLength(2);
    expect(onError).toHaveBeenCalledTimes(1);
    expect(window.localStorage.getItem(KEY)).toBeNull();
    logExperiment('Plugins', assigned('1'), {onError});
    await pass();
    expect(server.posts).toHaveLength(3);
  });

  it.each([400, 401, 403, 404, 429])('is not retried by this page after %i', async refusal => {
    const onError = vi.fn();
    const server = startServer(refusal);
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {onError});
    await pass(10_000);
    logExperiment('Plugins', assigned('1'), {onError});
    await pass(10_000);
    expect(server.posts).toHaveLength(1);
    expect(onError).toHaveBeenCalledTimes(1);
    (await openPage()).logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(2);
  });

  it('does not hide that the unit came back to what was refused', async () => {
    const server = startServer(404, 204, 204);
    const {logExperiment} = await openPage();
    for (const variant of ['A', 'A', 'B', 'B', 'A', 'A']) {
      logExperiment('Plugins', assigned(variant));
      await pass();
    }
    expect(server.variants()).toEqual(['A', 'B', 'A']);
  });

  it('does not hold up what comes after it', async () => {
    const server = startServer(404, 'never', 'never', 204);
    const {logExperiment} = await openPage();
    logExperiment('Refused', assigned('1'));
    logExperiment('Hangs', assigned('1'));
    logExperiment('Plugins', assigned('1'));
    await pass(30_000);
    const names = server.posts.map(({body}) => (body as {experiment: string}).experiment);
    expect(names).toEqual(['Refused', 'Hangs', 'Hangs', 'Plugins']);
  });

  it('is never thrown, whatever fails', async () => {
    startServer();
    vi.stubGlobal('fetch', undefined);
    vi.stubGlobal('navigator', undefined);
    const rejected = vi.fn();
    process.on('unhandledRejection', rejected);
    const {logExperiment} = await openPage();
    const options = {csrfToken: refuse, onError: refuse};
    expect(() => logExperiment('Plugins', assigned('1'), options)).not.toThrow();
    expect(() => window.dispatchEvent(new Event('pagehide'))).not.toThrow();
    await pass(10_000);
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(() => logExperiment('Plugins', assigned('1', circular as never))).not.toThrow();
    vi.useRealTimers();
    await new Promise(resolve => setTimeout(resolve, 5));
    process.off('unhandledRejection', rejected);
    expect(rejected).not.toHaveBeenCalled();
  });

  it('is told when too many wait', async () => {
    const onError = vi.fn();
    startServer('never');
    const {logExperiment} = await openPage();
    for (let unit = 0; unit < 101; unit++) {
      logExperiment('Plugins', assigned('1', String(unit)), {onError});
    }
    expect(onError).toHaveBeenCalledTimes(1);
  });
});

describe('a redirect', () => {
  const elsewhere = 'http://localhost:3000/abkit/log-exposure';

  it('of the trailing slash is followed by the browser', async () => {
    const server = startServer({status: 204, redirectedTo: elsewhere});
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(1);
    expect(window.localStorage.getItem(KEY)).toContain('Plugins');
  });

  it('that makes a GET of the POST is answered by a POST to where it led', async () => {
    document.cookie = 'csrftoken=token';
    const server = startServer({status: 405, redirectedTo: elsewhere});
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts.map(({url}) => url)).toEqual(['/abkit/log-exposure/', elsewhere]);
    expect(server.posts[1]?.headers['X-CSRFToken']).toBe('token');
    expect(window.localStorage.getItem(KEY)).toContain('Plugins');
  });

  it('takes the token to no other origin', async () => {
    document.cookie = 'csrftoken=secret';
    const server = startServer({status: 405, redirectedTo: 'https://elsewhere.example/log'});
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts[0]?.headers['X-CSRFToken']).toBe('secret');
    expect(server.posts[1]?.headers).not.toHaveProperty('X-CSRFToken');
  });

  it.each(['text/html; charset=utf-8', 'application/json'])(
    'to a login, which answers 200 and %s, is no success',
    async type => {
      const onError = vi.fn();
      const login = 'http://localhost:3000/login?next=%2Fabkit%2Flog-exposure%2F';
      startServer({status: 200, type, text: '{}', redirectedTo: login});
      const {logExperiment} = await openPage();
      logExperiment('Plugins', assigned('1'), {onError});
      await pass();
      expect(window.localStorage.getItem(KEY)).toBeNull();
      expect(String(onError.mock.calls)).toContain(`was redirected to ${login}`);
    },
  );
});

describe('an answer 200', () => {
  it('of an endpoint of your own is a success', async () => {
    startServer({status: 200, type: 'application/json', text: '{"ok": true}'});
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(window.localStorage.getItem(KEY)).toContain('Plugins');
  });

  it('that is a page is none', async () => {
    const onError = vi.fn();
    startServer({status: 200, type: 'text/html', text: '<p>Not found</p>'});
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {onError});
    await pass();
    expect(window.localStorage.getItem(KEY)).toBeNull();
    expect(String(onError.mock.calls)).toContain('That is a page, no log-exposure endpoint');
  });
});

describe('without onError', () => {
  const warn = vi.fn();
  const json = 'application/json';
  beforeEach(() => {
    warn.mockReset();
    vi.spyOn(console, 'warn').mockImplementation(warn);
  });

  it.each([
    [{status: 403, type: json, text: '{"error": "The session is not that unit\'s."}'}, "that unit's"],
    [{status: 403, type: 'text/html', text: '<h1>CSRF</h1>'}, 'answered 403. The CSRF token may be'],
    [{status: 404, type: 'text/html', text: 'no'}, 'answered 404. Is the endpoint mounted there'],
    [{status: 401}, 'answered 401. Does the session cookie reach the server?'],
    [{status: 418, type: json, text: '{"results": "none"}'}, 'answered 418 ('],
    [{status: 413, type: json, text: 'null'}, 'answered 413 ('],
  ])('the console says what was refused: %j', async (refusal, words) => {
    startServer(refusal);
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(warn).toHaveBeenCalledTimes(1);
    const said = String(warn.mock.calls[0]);
    expect(said).toContain('abkit: Plugins is not logged: /abkit/log-exposure/ answered ');
    expect(said.replace(' (This', '. (This')).toContain(words.replace(' (', '. ('));
  });

  it('it says so too when nobody answers, and only once a page', async () => {
    const server = startServer('no network', 'no network', 403, 404);
    const {logExperiment} = await openPage();
    for (const experiment of ['One', 'Two', 'Three']) {
      logExperiment(experiment, assigned('1'));
      await pass(2_000);
    }
    expect(server.posts).toHaveLength(4);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0])).toContain(
      'One is not logged: /abkit/log-exposure/ did not answer (TypeError: Failed to fetch).',
    );
    (await openPage()).logExperiment('Four', assigned('1'));
    startServer(403);
    await pass();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('it says nothing of what went well, and nothing to who listens himself', async () => {
    startServer(204, 403);
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    logExperiment('Plugins', assigned('2'), {onError: () => undefined});
    await pass();
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('when the page goes', () => {
  const go = () => window.dispatchEvent(new Event('pagehide'));

  it('posts what waits as one batch, which outlives the page, and hears the answer', async () => {
    document.cookie = 'csrftoken=token';
    const server = startServer('never', 204);
    const {logExperiment} = await openPage();
    for (const experiment of ['One', 'Two', 'Three']) {
      logExperiment(experiment, assigned('1'));
    }
    go();
    go();
    await pass();
    // The first one is on its way already, and outlives the page too.
    expect(server.posts[0]?.body).toMatchObject({experiment: 'One'});
    expect(server.posts.slice(1)).toEqual([
      {
        url: '/abkit/log-exposure/',
        body: {
          exposures: [
            {experiment: 'Two', unitType: 'org', unitId: '42', variant: '1'},
            {experiment: 'Three', unitType: 'org', unitId: '42', variant: '1'},
          ],
        },
        headers: {'Content-Type': 'application/json', 'X-CSRFToken': 'token'},
        credentials: 'same-origin',
        keepalive: true,
      },
    ]);
    expect(window.localStorage.getItem(KEY)).toContain('Three');
    server.answer();
    await pass();
    expect(window.localStorage.getItem(KEY)).toContain('One');
    expect(server.posts).toHaveLength(2);
  });

  it('tells what was refused of the batch', async () => {
    const onError = vi.fn();
    const results = [{status: 204}, {status: 404, error: 'No experiment of that name.'}];
    const text = JSON.stringify({results});
    const server = startServer('never', {status: 200, type: 'application/json', text});
    const {logExperiment} = await openPage();
    for (const experiment of ['One', 'Two', 'Three']) {
      logExperiment(experiment, assigned('1'), {onError});
    }
    go();
    await pass();
    expect(String(onError.mock.calls)).toContain(
      'Two, Three are not logged: /abkit/log-exposure/ answered 200. It says: No experiment of that name.',
    );
    logExperiment('Two', assigned('1'), {onError});
    await pass();
    expect(server.posts).toHaveLength(2);
  });

  it('forgets a batch that failed, so that it may be said again', async () => {
    const onError = vi.fn();
    const server = startServer(500, 'no network', 204);
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'), {onError});
    await pass(500);
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange')); // between a failure and its retry
    await pass(10_000);
    expect(server.posts).toHaveLength(2);
    expect(onError).toHaveBeenCalledTimes(1);
    logExperiment('Plugins', assigned('1'), {onError});
    await pass();
    expect(server.posts).toHaveLength(3);
  });

  it('neither tells nor repeats what the browser calls failed then, until it is shown again', async () => {
    const onError = vi.fn();
    const server = startServer('never', 'no network', 'no network', 'no network', 'no network');
    const {logExperiment} = await openPage();
    logExperiment('One', assigned('1'), {onError});
    logExperiment('Two', assigned('1'), {onError});
    go();
    await pass(20_000); // 'never' is given up
    document.dispatchEvent(new Event('visibilitychange'));
    await pass(10_000);
    expect(server.posts).toHaveLength(2);
    expect(onError).not.toHaveBeenCalled();
    window.dispatchEvent(new Event('pageshow'));
    logExperiment('Two', assigned('1'), {onError});
    await pass(10_000);
    expect(server.posts).toHaveLength(4);
    expect(onError).toHaveBeenCalledTimes(1);
  });

  it('does so too when it is hidden, not when it is seen again', async () => {
    const server = startServer('never', 204);
    const {logExperiment} = await openPage();
    logExperiment('One', assigned('1'));
    logExperiment('Two', assigned('1'));
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(server.posts).toHaveLength(1);
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(server.posts).toHaveLength(2);
  });

  it('posts nothing when everything is answered', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    go();
    expect(server.posts).toHaveLength(1);
  });
});

describe('where no request outlives its page', () => {
  beforeEach(withoutKeepalive);

  it('hands what is not answered to sendBeacon, as one batch with the token in it', async () => {
    document.cookie = 'csrftoken=token';
    const server = startServer('never');
    const {logExperiment} = await openPage();
    logExperiment('One', assigned('1'));
    logExperiment('Two', assigned(0, '7', 'user'));
    window.dispatchEvent(new Event('pagehide'));
    window.dispatchEvent(new Event('pagehide'));
    expect(await server.beacons()).toEqual([
      {
        url: '/abkit/log-exposure/',
        body: {
          exposures: [
            {experiment: 'One', unitType: 'org', unitId: '42', variant: '1'},
            {experiment: 'Two', unitType: 'user', unitId: '7', variant: 0},
          ],
          csrfToken: 'token',
        },
        headers: {'Content-Type': 'application/json'},
      },
    ]);
  });

  it('does so too when it is hidden, and between a failure and its retry', async () => {
    const server = startServer(500);
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass(500);
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(await server.beacons()).toHaveLength(0);
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    expect(await server.beacons()).toHaveLength(1);
    await pass(10_000);
    logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(1);
    // Nobody knows whether the beacon arrived: the next page says it again.
    (await openPage()).logExperiment('Plugins', assigned('1'));
    await pass();
    expect(server.posts).toHaveLength(2);
  });

  it('sends nothing when everything is answered', async () => {
    const server = startServer();
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    await pass();
    window.dispatchEvent(new Event('pagehide'));
    expect(await server.beacons()).toEqual([]);
  });

  it('goes on waiting where the browser refuses the beacon', async () => {
    const server = startServer('never');
    vi.stubGlobal('navigator', {sendBeacon: () => false});
    const {logExperiment} = await openPage();
    logExperiment('Plugins', assigned('1'));
    window.dispatchEvent(new Event('pagehide'));
    server.answer();
    await pass();
    expect(window.localStorage.getItem(KEY)).toContain('Plugins');
  });
});

function refuse(): never {
  throw new Error('refused');
}
