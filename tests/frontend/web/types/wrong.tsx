// What must not compile: each line that ends in the code of an error has that one, and no other line has any.
import type {ExperimentAssignment, Variant} from '../experiments/experimentConfig';
import {ExperimentProvider} from '../experiments/ExperimentProvider';
import {getExperiment} from '../experiments/getExperiment';
import {useExperiment} from '../experiments/useExperiment';
import {
  withExperiment,
  type ExperimentProps,
  type LogExperimentProps,
} from '../experiments/withExperiment';

export function Comparisons() {
  const {variant} = useExperiment('ShowPluginsExperiment');
  const {variant: numbered} = useExperiment('NumberedExperiment');
  const {variant: size} = useExperiment('SizeExperiment');
  useExperiment('ShowPluginExperiment'); // TS2345

  // A typo in a variant.
  const isTypo = variant === '2'; // TS2367
  const isOtherTypo = size === 11; // TS2367
  switch (variant) {
    case 'on': // TS2678
  }

  // Text is no number, and a number no text.
  const isZero = variant === 0; // TS2367
  const isText = numbered === '0'; // TS2367

  return <b>{String([isTypo, isOtherTypo, isZero, isText])}</b>;
}

// "0" is true in JavaScript, and so is 10.
type Assigned = ExperimentAssignment['ShowPluginsExperiment'];
export function inStatement(variant: Assigned) {
  if (variant) { // TS2774
    return 'new';
  }
  return 'old';
}
export const inExpression = (variant: Assigned) => (variant ? 'new' : 'old'); // TS2774
export const inMarkup = (variant: Assigned) => <i>{variant && <b>new</b>}</i>; // TS2774
export const ofNumbers = (size: ExperimentAssignment['SizeExperiment']) => (size ? 1 : 2); // TS2774
export const ofMembers = (props: {variant: Assigned}) => (props.variant ? 'new' : 'old'); // TS2774
export const beside = (variant: Assigned, isNew: boolean) => (isNew && variant ? 1 : 2); // TS2774

export function Props({experimentAssignment}: ExperimentProps<'ShowPluginsExperiment'>) {
  const other: Variant<'FallbackExperiment'> = experimentAssignment; // TS2322
  return experimentAssignment ? <b>{other}</b> : null; // TS2774
}
const Right = withExperiment(Props, {experiment: 'ShowPluginsExperiment'});

// The component's own type of the prop must be the experiment's: no narrower, no wider, no other.
const Narrow = (props: {experimentAssignment: 0}) => props.experimentAssignment;
const Wide = (props: {experimentAssignment: '0' | '1'}) => props.experimentAssignment;
const Typo = (props: {experimentAssignment: '0' | '1' | '2'}) => props.experimentAssignment;
const Optional = (props: Partial<ExperimentProps<'ShowPluginsExperiment'>>) =>
  String(props.experimentAssignment);
const Logging = (props: LogExperimentProps<'ShowPluginsExperiment'>) => props.experimentAssignment;
withExperiment(Narrow, {experiment: 'NumberedExperiment'}); // TS2345
withExperiment(Wide, {experiment: 'ShowPluginsExperiment'}); // TS2345
withExperiment(Typo, {experiment: 'ShowPluginsExperiment'}); // TS2345
withExperiment(Optional, {experiment: 'ShowPluginsExperiment'}); // TS2345
withExperiment(Props, {experiment: 'NumberedExperiment'}); // TS2345
withExperiment(Props, {experiment: 'Nothing'}); // TS2345
withExperiment(() => null, {experiment: 'ShowPluginsExperiment'}); // TS2345
withExperiment(Props, {experiment: 'ShowPluginsExperiment', injectLogExperiment: true}); // TS2345
const NotInjected = withExperiment(Logging, {experiment: 'ShowPluginsExperiment'});

export const page = (
  <ExperimentProvider experiments={{}}>
    <NotInjected /> {/* TS2741 */}
    <Right slug="a" /> {/* TS2322 */}
    <Right experimentAssignment={'1' as ExperimentAssignment['ShowPluginsExperiment']} /> {/* TS2322 */}
  </ExperimentProvider>
);
export const payload = <ExperimentProvider experiments={{ShowPluginsExperiment: '1'}} />; // TS2322
export const forgotten = <ExperimentProvider />; // TS2741

// The same without React.
getExperiment('ShowPluginExperiment', undefined); // TS2345
const {variant: found} = getExperiment('ShowPluginsExperiment', null);
export const ofFound = found ? 'new' : 'old'; // TS2774
export const isFoundTypo = found === '2'; // TS2367
