"""CLU over RabbitMQ."""
