"""From declared experiments to the TypeScript of the front end."""
