import {StrictMode} from 'react';
import {createRoot} from 'react-dom/client';

import {ExperimentProvider, type ExperimentsPayload} from './experiments/ExperimentProvider';
import IntegrationDirectory, {type Integration} from './IntegrationDirectory';

/** What Django has put into the page. */
function given(id: string): unknown {
  return JSON.parse(document.getElementById(id)?.textContent ?? 'null');
}

const directory = document.getElementById('directory');
if (directory !== null) {
  createRoot(directory).render(
    <StrictMode>
      <ExperimentProvider experiments={given('abkit-experiments') as ExperimentsPayload}>
        <IntegrationDirectory integrations={given('integrations') as Integration[]} />
      </ExperimentProvider>
    </StrictMode>,
  );
}
