pytest_plugins = ["mock_whatsapp"]
