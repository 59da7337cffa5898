// What strict applications ask of their own files.
import hooks from 'eslint-plugin-react-hooks';
import {reactRefresh} from 'eslint-plugin-react-refresh';
import tseslint from 'typescript-eslint';

const ofApplication = (folder, tsconfig) => ({
  files: ['experiments', 'hostile', 'empty'].map(each => `${folder}/${each}/**/*.{ts,tsx}`),
  extends: [
    tseslint.configs.strictTypeChecked,
    hooks.configs.flat['recommended-latest'],
    reactRefresh.configs.recommended(),
  ],
  linterOptions: {reportUnusedDisableDirectives: 'error'},
  languageOptions: {parserOptions: {project: `${folder}/${tsconfig}`}},
});

// With no option but `strict`, and with more: some conditions are needed in one only.
export default tseslint.config(
  ofApplication('react18', 'tsconfig.strict.json'),
  ofApplication('react19', 'tsconfig.json'),
);
