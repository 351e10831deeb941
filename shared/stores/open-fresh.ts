/** An empty store for one test. Disposing closes it, with everything else that was opened, and deletes the data. */
export interface FreshStore<Store> extends AsyncDisposable {
  store: Store
  /** Opens the same data once more, as another replica or a restart would. */
  openAgain(): Promise<Store>
}

/**
 * Opens a store for one test of an adapter.
 * @param remove removes its data, once everything that was opened is closed
 */
export async function openFresh<Store extends { close(): Promise<void> }>(
  open: () => Promise<Store>,
  remove: () => Promise<void>,
): Promise<FreshStore<Store>> {
  const opened: Store[] = []
  const openAgain = async () => {
    const store = await open()
    opened.push(store)
    return store
  }
  return {
    store: await openAgain(),
    openAgain,
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close()
      await remove()
    },
  }
}
