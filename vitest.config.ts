import { defineConfig } from 'vitest/config'

const ignored = ['**/node_modules/**', '**/.hasty/**']

// Named by ending, so that a file says what it needs: unit nothing, integration a real nats-server, e2e whole processes.
export default defineConfig({
  test: {
    // For two cores: most files wait for timers much of the time.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{shared,client,services,cli,scripts}/**/*.unit.test.ts'],
          exclude: ignored,
          // Others of the same two cores may be at work.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['**/*.int.test.ts'],
          exclude: ignored,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: [...ignored, '**/*.int.test.ts', 'e2e/faults/**', 'e2e/compose/**'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['e2e/faults/*.test.ts'],
          exclude: ignored,
          fileParallelism: false,
          // After those above: it needs both cores. Each test runs a cluster; more of them at once only wait for each other.
          sequence: { groupOrder: 1 },
          maxConcurrency: 3,
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
