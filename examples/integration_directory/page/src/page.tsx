import {StrictMode} from 'react';
import {createRoot} from 'react-dom/client';

import {ExperimentProvider} from './experiments/ExperimentProvider';
import {pageExperiments} from './experiments/getExperiment';
import IntegrationDirectory, {type Integration} from './IntegrationDirectory';

const integrations = document.getElementById('integrations')?.textContent ?? '[]';
const directory = document.getElementById('directory');
if (directory !== null) {
  createRoot(directory).render(
    <StrictMode>
      <ExperimentProvider experiments={pageExperiments()}>
        <IntegrationDirectory integrations={JSON.parse(integrations) as Integration[]} />
      </ExperimentProvider>
    </StrictMode>,
  );
}
