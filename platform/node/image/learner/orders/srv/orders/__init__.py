"""The order desk: a web front that takes orders, a worker that carries them out, a store that remembers both."""
