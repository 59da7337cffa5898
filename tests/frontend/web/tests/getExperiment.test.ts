import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';

import {
  getExperiment,
  pageExperiments,
  type ExperimentsPayload,
} from '../experiments/getExperiment';
import {assigned, pass, startServer} from './server';

let server: ReturnType<typeof startServer>;

beforeEach(() => {
  vi.useFakeTimers();
  window.localStorage.clear();
  server = startServer();
  document.body.innerHTML = '';
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('getExperiment', () => {
  it('gives what a unit gets, and logs when it is told to', async () => {
    const {logExperiment, ...shown} = getExperiment('ShowPluginsExperiment', {
      ShowPluginsExperiment: assigned('1'),
    });
    expect(shown).toEqual({variant: '1', isEnrolled: true, reason: 'assigned'});
    await pass();
    expect(server.posts).toHaveLength(0);
    logExperiment();
    logExperiment();
    await pass();
    expect(server.variants()).toEqual(['1']);
  });

  it('posts to where the options say', async () => {
    const payload = {ShowPluginsExperiment: assigned('1', 'elsewhere')};
    getExperiment('ShowPluginsExperiment', payload, {logUrl: '/elsewhere'}).logExperiment();
    await pass();
    expect(server.posts[0]?.url).toBe('/elsewhere');
  });

  it.each([
    [null, 'missing'],
    [{}, 'missing'],
    [{RemovedExperiment: assigned('1')}, 'missing'],
    [{ShowPluginsExperiment: assigned('2')}, 'error'],
    [{ShowPluginsExperiment: {...assigned('1'), variant: null}}, 'error'],
  ])('gives the default value for %j, and logs nothing', async (payload, reason) => {
    const {logExperiment, ...shown} = getExperiment(
      'ShowPluginsExperiment',
      payload as unknown as ExperimentsPayload,
    );
    expect(shown).toEqual({variant: '0', isEnrolled: false, reason});
    logExperiment();
    await pass();
    expect(server.posts).toHaveLength(0);
  });

  it.each([null, undefined, ['colour 1'], {colour: 1}])(
    'takes %j for no variant, even where only the code of the server knows them',
    variant => {
      const payload = {CodeExperiment: {...assigned(''), variant}};
      const {reason, ...shown} = getExperiment(
        'CodeExperiment',
        payload as unknown as ExperimentsPayload,
      );
      expect([shown.variant, reason]).toEqual(['colour 0', 'error']);
    },
  );
});

describe('a payload of the experiments that a page uses', () => {
  const payload = {
    ShowPluginsExperiment: assigned('1'),
    $only: {ShowPluginsExperiment: true, CodeExperiment: false},
  } as unknown as ExperimentsPayload;

  it('gives these', () => {
    const {variant, reason} = getExperiment('ShowPluginsExperiment', payload);
    expect([variant, reason]).toEqual(['1', 'assigned']);
  });

  it('lacks those of which the request has no unit, as any payload does, and nobody is told', async () => {
    const onError = vi.fn();
    expect(getExperiment('CodeExperiment', payload, {onError}).reason).toBe('missing');
    await pass();
    expect(onError).not.toHaveBeenCalled();
  });

  it('says of any other, once, that it was left out', async () => {
    const onError = vi.fn();
    for (let i = 0; i < 2; i++) {
      const {logExperiment, ...shown} = getExperiment('FallbackExperiment', payload, {onError});
      expect(shown).toEqual({variant: 'none', isEnrolled: false, reason: 'left_out'});
      logExperiment();
    }
    expect(onError).not.toHaveBeenCalled(); // not while a component renders
    await pass();
    expect(onError.mock.calls.map(String)).toEqual([
      expect.stringContaining("FallbackExperiment was left out of this page's payload"),
    ]);
    expect(server.posts).toHaveLength(0);
  });

  it('says so in the console if nobody else is told', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    getExperiment('SwitchExperiment', payload);
    await pass();
    expect(String(warn.mock.calls[0])).toContain('abkit: SwitchExperiment was left out');
  });
});

describe('pageExperiments', () => {
  const put = (text: string, id = 'abkit-experiments') => {
    document.body.innerHTML = `<script id="${id}" type="application/json">${text}</script>`;
  };

  it('reads what the server has put into the page', () => {
    const payload = {ShowPluginsExperiment: assigned('1')};
    put(JSON.stringify(payload));
    expect(pageExperiments()).toEqual(payload);
    put(JSON.stringify(payload), 'elsewhere');
    expect(pageExperiments()).toBeUndefined();
    expect(pageExperiments('elsewhere')).toEqual(payload);
  });

  it('says in the console that what it finds is no JSON', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    put('{&quot;cut off');
    expect(pageExperiments()).toBeUndefined();
    expect(String(warn.mock.calls[0])).toContain('abkit: #abkit-experiments holds no JSON');
  });
});
