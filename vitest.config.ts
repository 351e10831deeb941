import { defineConfig } from 'vitest/config'

const ignored = ['**/node_modules/**', '**/.hasty/**']
/** What a file has started and not ended fails it. */
const setupFiles = ['e2e/support/check-leaks.ts']

// Named by ending, so that a file says what it needs: unit nothing, integration a real nats-server, e2e whole processes.
export default defineConfig({
  test: {
    // `npm test -- --coverage`: of what runs in the tests' own processes, so not of services that a test starts as processes.
    coverage: {
      provider: 'v8',
      include: ['{shared,services,client,cli}/**/*.ts'],
      exclude: ['**/*.test.ts', '**/conformance/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
    unstubEnvs: true,
    // For two cores: most files wait for timers most of the time. With more of them tests wait for each other's CPU.
    maxWorkers: 4,
    projects: [
      {
        test: {
          name: 'unit',
          // A process of its own for each file costs as much CPU as all the tests together.
          isolate: false,
          include: ['{shared,client,services,cli,scripts,bench,ui}/**/*.unit.test.ts'],
          exclude: ignored,
          // Others of the same two cores may be at work.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          setupFiles,
          include: ['**/*.int.test.ts'],
          exclude: ignored,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles,
          // One process runs one file after the other, so that the services are loaded once per process instead of once
          // per file, which took a third of the CPU. The leak check fails the file that left something behind.
          isolate: false,
          include: ['e2e/**/*.test.ts'],
          exclude: [...ignored, '**/*.int.test.ts', 'e2e/faults/**', 'e2e/compose/**'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          setupFiles,
          include: ['e2e/faults/*.test.ts'],
          exclude: ignored,
          fileParallelism: false,
          // After those above: it needs both cores. Each test runs a cluster; more of them at once wait for each other, and
          // three took longer than two and one.
          sequence: { groupOrder: 1 },
          maxConcurrency: 2,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Needs a container engine: `npm run test:compose`, and `npm test` where there is one.
        test: {
          name: 'compose',
          include: ['e2e/compose/*.test.ts'],
          exclude: ignored,
          fileParallelism: false,
          // After all others: it needs the machine for itself.
          sequence: { groupOrder: 2 },
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
