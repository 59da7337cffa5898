import {cleanup, fireEvent, render, screen} from '@testing-library/react';
import * as React from 'react';
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';

import {ExperimentProvider} from '../experiments/ExperimentProvider';
import type {ExperimentKey} from '../experiments/experimentConfig';
import type {ExperimentsPayload} from '../experiments/getExperiment';
import {useExperiment, type UseExperimentOptions} from '../experiments/useExperiment';
import {
  withExperiment,
  type ExperimentProps,
  type LogExperimentProps,
} from '../experiments/withExperiment';
import {assigned, pass, startServer} from './server';

let server: ReturnType<typeof startServer>;
let unit = 0;

beforeEach(() => {
  vi.useFakeTimers();
  window.localStorage.clear();
  server = startServer();
  unit += 1;
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Of a unit of its own in each test: the module remembers those of the tests before. */
const payload = (variant: string | number | boolean, reason = 'assigned'): ExperimentsPayload => ({
  ShowPluginsExperiment: {...assigned(variant, String(unit)), reason},
});

interface Props extends ExperimentProps<'ShowPluginsExperiment'> {
  readonly slug: string;
}

function Directory({slug, experimentAssignment}: Props) {
  return <p>{experimentAssignment === '1' ? `new ${slug}` : `old ${slug}`}</p>;
}
const WithProps = withExperiment(Directory, {experiment: 'ShowPluginsExperiment'});

function Manual({
  experimentAssignment,
  logExperiment,
}: LogExperimentProps<'ShowPluginsExperiment'>) {
  return <button onClick={logExperiment}>{experimentAssignment}</button>;
}
const WithLog = withExperiment(Manual, {
  experiment: 'ShowPluginsExperiment',
  injectLogExperiment: true,
});

function Hook({
  experiment = 'ShowPluginsExperiment',
  ...options
}: UseExperimentOptions & {experiment?: ExperimentKey}) {
  const {variant, isEnrolled, reason} = useExperiment(experiment, options);
  return <p>{JSON.stringify({variant, isEnrolled, reason})}</p>;
}

const shown = () => JSON.parse(document.querySelector('p')?.textContent ?? '') as unknown;

describe('withExperiment', () => {
  it('gives the assignment beside the other props, and logs when the component mounts', async () => {
    render(
      <ExperimentProvider experiments={payload('1')}>
        <WithProps slug="acme" />
      </ExperimentProvider>,
    );
    expect(screen.getByText('new acme')).toBeTruthy();
    await pass();
    expect(server.posts.map(({body}) => body)).toEqual([
      {experiment: 'ShowPluginsExperiment', unitType: 'org', unitId: String(unit), variant: '1'},
    ]);
  });

  it('logs when the component says so, with injectLogExperiment', async () => {
    render(
      <ExperimentProvider experiments={payload('1')}>
        <WithLog />
      </ExperimentProvider>,
    );
    await pass();
    expect(server.posts).toHaveLength(0);
    fireEvent.click(screen.getByText('1'));
    fireEvent.click(screen.getByText('1'));
    await pass();
    expect(server.posts).toHaveLength(1);
  });

  it('gives no logExperiment to a component that has not asked for it', () => {
    const given = vi.fn((_: object) => null);
    const Spy = withExperiment((props: ExperimentProps<'ShowPluginsExperiment'>) => given(props), {
      experiment: 'ShowPluginsExperiment',
    });
    render(<Spy />);
    expect(given).toHaveBeenCalledWith({experimentAssignment: '0'});
  });

  it('cannot be overruled by props from outside', () => {
    const outside = {slug: 'acme', experimentAssignment: '0'};
    render(
      <ExperimentProvider experiments={payload('1')}>
        <WithProps {...outside} />
      </ExperimentProvider>,
    );
    expect(screen.getByText('new acme')).toBeTruthy();
  });

  it('has a name for the developer tools, whatever it wraps', () => {
    expect(WithProps.displayName).toBe('withExperiment(Directory)');
    const memo = withExperiment(React.memo(Directory), {experiment: 'ShowPluginsExperiment'});
    expect(memo.displayName).toBe('withExperiment(Component)');
  });
});

describe('useExperiment', () => {
  it('gives the variant as the type that it has', () => {
    const number = {NumberedExperiment: assigned(0, String(unit))};
    render(
      <ExperimentProvider experiments={number}>
        <Hook experiment="NumberedExperiment" />
      </ExperimentProvider>,
    );
    expect(shown()).toEqual({variant: 0, isEnrolled: true, reason: 'assigned'});
  });

  it('logs nothing on mount when it is told not to', async () => {
    render(
      <ExperimentProvider experiments={payload('1')}>
        <Hook logExperimentOnMount={false} />
      </ExperimentProvider>,
    );
    await pass();
    expect(server.posts).toHaveLength(0);
  });

  it('logs once in StrictMode, and once for many components', async () => {
    render(
      <React.StrictMode>
        <ExperimentProvider experiments={payload('1')}>
          <Hook />
          <Hook />
          <WithProps slug="acme" />
        </ExperimentProvider>
      </React.StrictMode>,
    );
    await pass();
    expect(server.posts).toHaveLength(1);
  });

  it('logs again when the payload has another variant, and not when it is only another object', async () => {
    const page = (variant: string) => (
      <ExperimentProvider experiments={payload(variant)}>
        <Hook />
      </ExperimentProvider>
    );
    const {rerender} = render(page('0'));
    rerender(page('0'));
    rerender(page('1'));
    rerender(page('0'));
    await pass();
    expect(server.variants()).toEqual(['0', '1', '0']);
  });

  it.each(['forced', 'not_enrolled', 'ineligible', 'excluded', 'inactive', 'error'])(
    'shows the variant of a unit that is %s, which is not enrolled, and logs nothing',
    async reason => {
      render(
        <ExperimentProvider experiments={payload('1', reason)}>
          <Hook />
        </ExperimentProvider>,
      );
      expect(shown()).toEqual({variant: '1', isEnrolled: false, reason});
      await pass();
      expect(server.posts).toHaveLength(0);
    },
  );

  it('takes any variant where only the code of the server knows them', () => {
    const code = {CodeExperiment: assigned('colour 6', String(unit))};
    render(
      <ExperimentProvider experiments={code}>
        <Hook experiment="CodeExperiment" />
      </ExperimentProvider>,
    );
    expect(shown()).toMatchObject({variant: 'colour 6', isEnrolled: true});
  });

  it.each(['2', 1])(
    'shows the default where the server says %j, which the page does not know',
    async newer => {
      render(
        <ExperimentProvider experiments={payload(newer)}>
          <Hook />
        </ExperimentProvider>,
      );
      expect(shown()).toEqual({variant: '0', isEnrolled: false, reason: 'error'});
      await pass();
      expect(server.posts).toHaveLength(0);
    },
  );
});

describe('without the service', () => {
  const missing = {variant: '0', isEnrolled: false, reason: 'missing'};

  it.each([
    ['no payload', undefined],
    ['null', null],
    ['an empty payload', {}],
    ['nonsense', {ShowPluginsExperiment: null}],
    ['a text', {ShowPluginsExperiment: '1'}],
  ])('gives the default value and does nothing, with %s', async (_, experiments) => {
    render(
      <ExperimentProvider experiments={experiments as unknown as ExperimentsPayload}>
        <Hook />
        <WithLog />
      </ExperimentProvider>,
    );
    expect(shown()).toEqual(missing);
    fireEvent.click(screen.getByText('0'));
    await pass(10_000);
    expect(server.posts).toHaveLength(0);
  });

  it('does so without a provider too', async () => {
    render(<Hook />);
    expect(shown()).toEqual(missing);
    await pass();
    expect(server.posts).toHaveLength(0);
  });

  it('gives a default value that is none of the variants', () => {
    render(<Hook experiment="FallbackExperiment" />);
    expect(shown()).toEqual({...missing, variant: 'none'});
  });

  it('takes the default value of a unit that is not enrolled for what it is', () => {
    const fallback = {FallbackExperiment: {...assigned('none'), reason: 'not_enrolled'}};
    render(
      <ExperimentProvider experiments={fallback}>
        <Hook experiment="FallbackExperiment" />
      </ExperimentProvider>,
    );
    expect(shown()).toEqual({variant: 'none', isEnrolled: false, reason: 'not_enrolled'});
  });

  it('shows a visitor that must not be recognized the control, and logs nothing', async () => {
    const notIdentified = {
      ShowPluginsExperiment: {...assigned('0', '', 'visitor'), reason: 'not_enrolled'},
    };
    render(
      <ExperimentProvider experiments={notIdentified}>
        <Hook />
        <WithProps slug="shop" />
      </ExperimentProvider>,
    );
    expect(shown()).toEqual({variant: '0', isEnrolled: false, reason: 'not_enrolled'});
    expect(screen.getByText('old shop')).toBeTruthy();
    await pass(10_000);
    expect(server.posts).toHaveLength(0);
  });

  it.each(['constructor', '__proto__'])(
    'does not take the %s of all objects for an experiment',
    name => {
      render(
        <ExperimentProvider experiments={{}}>
          <Hook experiment={name as ExperimentKey} />
        </ExperimentProvider>,
      );
      expect(shown()).toEqual({isEnrolled: false, reason: 'missing'});
    },
  );
});
