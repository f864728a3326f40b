/** Runes everywhere in our own sources; dependencies keep the mode they were written in. */
export default {
  compilerOptions: {
    runes: undefined,
  },
  vitePlugin: {
    dynamicCompileOptions({ filename }) {
      return filename.includes('node_modules') ? undefined : { runes: true };
    },
  },
};
