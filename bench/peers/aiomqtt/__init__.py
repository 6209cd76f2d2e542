"""aiomqtt."""
