import {defineConfig} from 'vitest/config';

const versions = ['react18', 'react19'];

export default defineConfig({
  test: {
    projects: versions.map(name => ({
      root: name,
      esbuild: {jsx: 'automatic'},
      resolve: {preserveSymlinks: false},
      test: {name, environment: 'jsdom', include: ['tests/**/*.test.{ts,tsx}'], restoreMocks: true},
    })),
  },
});
