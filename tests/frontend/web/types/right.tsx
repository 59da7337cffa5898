// What must compile.
import * as React from 'react';

import {
  ExperimentType,
  experimentList,
  type ExperimentAssignment,
  type ExperimentKey,
  type Variant,
} from '../experiments/experimentConfig';
import {ExperimentProvider} from '../experiments/ExperimentProvider';
import {getExperiment, pageExperiments} from '../experiments/getExperiment';
import {logExperiment} from '../experiments/logExperiment';
import {useExperiment} from '../experiments/useExperiment';
import {
  withExperiment,
  type ExperimentProps,
  type LogExperimentProps,
} from '../experiments/withExperiment';

interface Props {
  readonly slug: string;
  readonly experimentAssignment: ExperimentAssignment['ShowPluginsExperiment'];
}

function Directory({slug, experimentAssignment}: Props) {
  return experimentAssignment === '1' ? <b>{slug}</b> : <i>{experimentAssignment}</i>;
}
const WithProps = withExperiment(Directory, {experiment: 'ShowPluginsExperiment'});

function Manual({experimentAssignment, logExperiment: log}: LogExperimentProps<'SizeExperiment'>) {
  return <button onClick={log}>{experimentAssignment === 20 ? 'large' : 'small'}</button>;
}
const WithLog = withExperiment(Manual, {experiment: 'SizeExperiment', injectLogExperiment: true});

class Switch extends React.Component<ExperimentProps<'SwitchExperiment'>> {
  override render() {
    return this.props.experimentAssignment ? 'on' : 'off';
  }
}
const WithClass = withExperiment(Switch, {experiment: 'SwitchExperiment'});

type Either = {kind: 'a'; a: string} | {kind: 'b'; b: number};
const WithUnion = withExperiment(
  (props: Either & ExperimentProps<'NumberedExperiment'>) =>
    props.kind === 'a' ? props.a : props.b,
  {experiment: 'NumberedExperiment'},
);
const WithMemo = withExperiment(React.memo(Directory), {experiment: 'ShowPluginsExperiment'});
const WithLazy = withExperiment(
  React.lazy(() => Promise.resolve({default: Directory})),
  {experiment: 'ShowPluginsExperiment'},
);

export function Page() {
  return (
    <ExperimentProvider
      experiments={{
        ShowPluginsExperiment: {variant: '1', reason: 'assigned', unitType: 'org', unitId: '42'},
      }}
      csrfToken={() => 'token'}
    >
      <WithProps slug="a" />
      <WithLog />
      <WithClass />
      <WithUnion kind="a" a="x" />
      <WithUnion kind="b" b={1} />
      <WithMemo slug="b" />
      <WithLazy slug="c" />
      <ExperimentProvider experiments={undefined} />
      <ExperimentProvider experiments={null} />
    </ExperimentProvider>
  );
}

const titles: Record<Variant<'ShowPluginsExperiment'>, string> = {'0': 'Old', '1': 'New'};

export function Hooks() {
  const {
    variant,
    isEnrolled,
    reason,
    logExperiment: log,
  } = useExperiment('ShowPluginsExperiment', {
    logExperimentOnMount: false,
  });
  const plain: Variant<'ShowPluginsExperiment'> = variant;
  const fallback = useExperiment('FallbackExperiment').variant;
  const colour = useExperiment('CodeExperiment').variant;
  const numbered = useExperiment('NumberedExperiment').variant;
  // Zero is false in JavaScript too: testing a number is right where one of them is 0.
  const isExposed = numbered ? 'exposed' : 'not exposed';
  switch (variant) {
    case '0':
      return <i onClick={log}>{titles[plain]}</i>;
    case '1':
      return isEnrolled && reason === 'assigned' && numbered === 1 && fallback === 'none' ? (
        <b>{isExposed}</b>
      ) : colour === 'colour 3' || colour === 3 ? null : undefined;
    default: {
      const never: never = variant;
      return never;
    }
  }
}

export const keys: readonly ExperimentKey[] = experimentList.map(({key}) => key);
export const byOrganization = experimentList.filter(
  ({type}) => type === ExperimentType.Organization,
);
export const text: string = ('0' as ExperimentAssignment['ShowPluginsExperiment']).toUpperCase();
logExperiment('ShowPluginsExperiment', undefined);

const {variant: plain, logExperiment: say} = getExperiment(
  'ShowPluginsExperiment',
  pageExperiments(),
  {logUrl: '/elsewhere', onError: error => { throw error; }},
);
export const heading = plain === '1' ? 'new' : titles[plain as Variant<'ShowPluginsExperiment'>];
say();
