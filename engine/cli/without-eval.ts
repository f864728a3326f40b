import { config } from 'zod/v4/core';

// Checks of a schema are made into functions at the first use, which pays where thousands are checked; a command checks one configuration.
config({ jitless: true });
