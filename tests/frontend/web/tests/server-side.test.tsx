// @vitest-environment node
import {renderToString} from 'react-dom/server';
import {expect, it, vi} from 'vitest';

import {ExperimentProvider} from '../experiments/ExperimentProvider';
import {logExperiment} from '../experiments/logExperiment';
import {withExperiment, type ExperimentProps} from '../experiments/withExperiment';
import {assigned} from './server';

const Shown = withExperiment(
  ({experimentAssignment}: ExperimentProps<'ShowPluginsExperiment'>) => (
    <p>{experimentAssignment}</p>
  ),
  {experiment: 'ShowPluginsExperiment'},
);

it('renders where there is no window, and logs nothing', () => {
  expect(typeof window).toBe('undefined');
  const fetch = vi.fn();
  vi.stubGlobal('fetch', fetch);
  const html = renderToString(
    <ExperimentProvider experiments={{ShowPluginsExperiment: assigned('1')}}>
      <Shown />
    </ExperimentProvider>,
  );
  logExperiment('ShowPluginsExperiment', assigned('1'));
  expect(html).toBe('<p>1</p>');
  expect(fetch).not.toHaveBeenCalled();
});
