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
