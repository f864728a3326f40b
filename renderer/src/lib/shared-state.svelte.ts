import type { AppStore } from './engine.svelte.ts';

/**
 * State that the head and the body of a panel share, one for each window, made when it is first asked for. It belongs to no component:
 * whichever asks first may go (a head goes when another view is maximised), and values derived in the state must not go with it.
 */
export function sharedState<T>(make: (app: AppStore) => T): (app: AppStore) => T {
  const states = new WeakMap<AppStore, { readonly state: T }>();
  return (app) => {
    const known = states.get(app);
    if (known !== undefined) return known.state;
    let made: { readonly state: T } | undefined;
    $effect.root(() => {
      made = { state: make(app) };
    });
    if (made === undefined) throw new Error('The state of a panel was not made.');
    states.set(app, made);
    return made.state;
  };
}
