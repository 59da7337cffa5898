import vue from '@vitejs/plugin-vue';
import {defineConfig} from 'vite';

export default defineConfig({
  plugins: [vue()],
  build: {lib: {entry: 'main.ts', formats: ['es'], fileName: 'page'}, outDir: 'static'},
  define: {'process.env.NODE_ENV': '"production"'},
});
