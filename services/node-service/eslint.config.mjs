import tseslint from 'typescript-eslint';

export default tseslint.config(
    { ignores: ['dist/', 'build/', 'eslint.config.mjs'] },
    ...tseslint.configs.strictTypeChecked,
    {
        languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
        rules: {
            // A Nest module is a class that only carries its decorator.
            '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
            // Nest describes its options as classes and takes plain objects.
            '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
            '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
        },
    },
    {
        files: ['test/**'],
        // node:test runs what test() returns; nobody awaits it.
        rules: {
            '@typescript-eslint/no-floating-promises': [
                'error',
                { allowForKnownSafeCalls: [{ from: 'package', name: ['test'], package: 'node:test' }] },
            ],
        },
    },
);
