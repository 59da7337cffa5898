// @vitest-environment node
import {expect, it} from 'vitest';

import {ExperimentType, experimentList} from '../hostile/experimentConfig';
import expected from '../hostile/expected.json';

it('has the very values of Python, whatever is in them', () => {
  expect(experimentList).toEqual(expected);
  expect(Object.keys(ExperimentType)).toEqual(['__proto__', 'größe', 'user']);
});
