import {useState} from 'react';

import type {ExperimentAssignment} from './experiments/experimentConfig';
import {withExperiment} from './experiments/withExperiment';
import {trackClick} from './trackClick';

export interface Integration {
  readonly slug: string;
  readonly name: string;
  readonly category: string;
  readonly description: string;
  readonly is_plugin: boolean;
}

interface Props {
  readonly integrations: readonly Integration[];
  readonly experimentAssignment: ExperimentAssignment['ShowPluginsExperiment'];
}

function IntegrationDirectory({integrations, experimentAssignment}: Props) {
  const [search, setSearch] = useState('');
  const offered =
    experimentAssignment === '1' ? integrations : integrations.filter(each => !each.is_plugin);
  const found = offered.filter(({name, category}) =>
    `${name} ${category}`.toLowerCase().includes(search.trim().toLowerCase()),
  );
  return (
    <>
      <p className="lead">Connect the tools that your teams already use.</p>
      <div className="search">
        <input
          type="search"
          aria-label="Search integrations"
          placeholder="Search by name or category"
          value={search}
          onChange={event => setSearch(event.target.value)}
        />
        <output>{found.length === 1 ? '1 integration' : `${found.length} integrations`}</output>
      </div>
      <ul className="cards">
        {found.map(each => (
          <Card key={each.slug} {...each} />
        ))}
      </ul>
    </>
  );
}

function Card({slug, name, category, description, is_plugin}: Integration) {
  return (
    <li className="card">
      <span className="tile" aria-hidden="true">
        {name[0]}
      </span>
      <h2>
        <a
          href={`/integrations/${slug}/`}
          onClick={() => trackClick(slug)}
          onAuxClick={({button}) => button === 1 && trackClick(slug)} // the middle one: a new tab
        >
          {name}
        </a>
      </h2>
      <p className="category">
        {category}
        {is_plugin && <span className="badge">Plugin</span>}
      </p>
      <p>{description}</p>
    </li>
  );
}

/** It logs the exposure when it mounts: that is when its links are shown. */
export default withExperiment(IntegrationDirectory, {experiment: 'ShowPluginsExperiment'});
